"""The manual in HTML, as part of a bundle."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from building.saying import in_words
from cloudhands.common.errors import ConfigurationError
from cloudhands.ops.bundle.manifest import Manifest

SOURCE = Path("cloudhands-ops", "docs")


def build(tree: Path, installed: Path, folder: Path, scratch: Path, release: Manifest) -> None:
    """Build it from the revision's text and code, without a warning.

    :param tree: the revision.
    :param installed: a folder in which our own packages are installed: they tell of themselves.
    :param release: what each page says it is of.
    :raises ConfigurationError: if something in it is wrong.
    """
    command = [sys.executable, "-P", "-m", "sphinx", "-W", "-n", "-q", "-b", "html"]
    command += [
        "-D",
        f"release={release.version}",
        "-D",
        f"html_title=cloudhands {release.version}",
    ]
    command += ["-d", str(scratch / "doctrees"), str(tree / SOURCE), str(folder)]
    environ = {
        **os.environ,
        "PYTHONPATH": str(installed),
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": str(release.epoch),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "COLUMNS": "100",
    }
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    if done.returncode:
        raise ConfigurationError(f"the manual: {in_words(done.stderr)}")
    (folder / ".buildinfo").unlink(missing_ok=True)


def install(wheels: list[Path], folder: Path) -> None:
    """Unpack our own wheels, whose files all lie in site-packages, into a folder."""
    for wheel in wheels:
        shutil.unpack_archive(wheel, folder, "zip")
