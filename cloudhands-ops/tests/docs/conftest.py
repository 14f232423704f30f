"""The manual, built once for all tests, and its extensions, which are no package of ours."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="session")
def extensions():
    """Makes the manual's extensions importable."""
    sys.path.insert(0, str(DOCS))
    yield DOCS / "extensions"
    sys.path.remove(str(DOCS))


@pytest.fixture(scope="session")
def manual(tmp_path_factory):
    """The folder of the manual in HTML, built without a warning: by check.sh, or here."""
    if made := os.environ.get("MANUAL_HTML"):
        return Path(made)
    folder = tmp_path_factory.mktemp("manual")
    argv = [sys.executable, "-m", "sphinx", "-W", "-n", "-q", "-b", "html"]
    built = subprocess.run(
        [*argv, "-d", str(folder / "doctrees"), str(DOCS), str(folder / "html")],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    assert built.stderr == ""
    return folder / "html"
