"""What build.sh runs: looks at what is asked, makes the environment, and goes on in it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from building import asking, environment, place, revision, saying, sums
from building.asking import Asked
from cloudhands.common.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]
_MIB = 1 << 20
# Environment, tree and manual; the wheels are in the scratch folder twice, and in the tar file.
_SPACE = 500 * _MIB
_COPIES = 3
_VENDOR_SPACE = 300 * _MIB


def main() -> int:
    """Build or fetch; returns the exit status."""
    argv = sys.argv[1:]
    asked = asking.parse(ROOT, argv)
    return saying.run(lambda: _fetch(asked, argv) if asked.vendor else _build(asked, argv))


def _build(asked: Asked, argv: Sequence[str]) -> None:
    # What can be found wrong at once, before anything is made.
    revision.refuse_changes(asked.root, allow=asked.allow_dirty)
    revision.refuse_inside(asked.root, asked.output)
    if asked.key:
        sums.check_key(asked.key)
    if asked.site and not asked.site.exists():
        raise ConfigurationError(f"{asked.site}, the site package, is not there")
    if not asked.vendor_folder.is_dir():
        raise ConfigurationError(
            f"{asked.vendor_folder} is not there: fetch the wheels with build.sh --vendor"
        )
    size = sum(file.stat().st_size for file in asked.vendor_folder.glob("*.whl"))
    with place.scratch_in(asked.output, _SPACE + _COPIES * size) as scratch:
        python = Path(sys.executable)
        if asked.venv:
            python = environment.offline(scratch / "venv", asked.root, asked.vendor_folder)
        _go_on(python, "building.making", scratch, argv)


def _fetch(asked: Asked, argv: Sequence[str]) -> None:
    with place.scratch_in(asked.vendor_folder, _VENDOR_SPACE) as scratch:
        python = Path(sys.executable)
        if asked.venv:
            python = environment.online(scratch / "venv", asked.root)
        _go_on(python, "building.fetching", scratch, argv)


def _go_on(python: Path, module: str, scratch: Path, argv: Sequence[str]) -> None:
    done = subprocess.run(
        [python, "-P", "-m", module, scratch, *argv],
        check=False,
        close_fds=False,  # the lock goes on with it
        env={**os.environ, "TMPDIR": str(scratch)},
    )
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    sys.exit(main())
