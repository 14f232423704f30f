"""Checks that every installed cloudhands distribution is this work tree's.

A project of the same name, unrelated to this one, exists on the public package registry: what came
from there, or from another work tree, would be tested in the place of our own code.
"""

import json
import re
import sys
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent


def problem_of(distribution: metadata.Distribution) -> str | None:
    """What is wrong with an installed distribution of our name, in words, or None."""
    origin = distribution.read_text("direct_url.json")
    if origin is None:
        return "was not installed from this work tree"
    address = json.loads(origin)["url"]
    url = urlsplit(address)
    if url.scheme != "file" or not Path(unquote(url.path)).resolve().is_relative_to(ROOT):
        return f"was installed from {address}"
    return None


def main() -> int:
    """Prints each problem to standard error; the exit status says whether there was one."""
    expected = {path.parent.name for path in ROOT.glob("cloudhands-*/pyproject.toml")}
    problems = []
    seen = set()
    for distribution in metadata.distributions():
        name = re.sub(r"[-_.]+", "-", distribution.name).lower()
        if name != "cloudhands" and not name.startswith("cloudhands-"):
            continue
        seen.add(name)
        problem = problem_of(distribution)
        if problem:
            problems.append(f"{name} {distribution.version} {problem}")
    problems += [f"{name} is not installed" for name in sorted(expected - seen)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
