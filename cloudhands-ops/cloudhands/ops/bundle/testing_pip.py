"""What stands in for pip in the bundles of tests: installs wheels by their hashes, and no more."""

import hashlib
import re
import sys
import zipfile
from pathlib import Path

SCRIPT = """#!{python}
import sys
from {module} import {function}
if __name__ == '__main__':
    sys.argv[0] = sys.argv[0].removesuffix('.exe')
    sys.exit({function}())
"""


def install(wheels: Path, requirements: Path) -> None:
    """Install what is required, each wheel only if its hash is the one that is given."""
    for line in requirements.read_text(encoding="utf-8").splitlines():
        name, version, digest = re.fullmatch(r"(\S+)==(\S+) --hash=sha256:(\S+)", line).groups()  # type: ignore[union-attr]
        (wheel,) = wheels.glob(f"{name.replace('-', '_')}-{version}-*.whl")
        if hashlib.sha256(wheel.read_bytes()).hexdigest() != digest:
            sys.exit(f"ERROR: {wheel.name} is not the one that the requirements name")
        _unpack(wheel)


def _unpack(wheel: Path) -> None:
    (site,) = Path(sys.prefix, "lib").glob("python*/site-packages")
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(site)
        (notes,) = {name.split("/")[0] for name in opened.namelist() if ".dist-info/" in name}
    (site / notes / "INSTALLER").write_text("pip\n", encoding="utf-8")
    entries = (site / notes / "entry_points.txt").read_text(encoding="utf-8")
    for name, module, function in re.findall(r"^(\S+) = (\S+):(\S+)$", entries, re.MULTILINE):
        script = Path(sys.prefix, "bin", name)
        text = SCRIPT.format(python=sys.executable, module=module, function=function)
        script.write_text(text, encoding="utf-8")
        script.chmod(0o755)


if __name__ == "__main__" and "install" in sys.argv:
    install(
        Path(sys.argv[sys.argv.index("--find-links") + 1]),
        Path(sys.argv[sys.argv.index("--requirement") + 1]),
    )
