"""Finds the programs of the system that tests and the demonstration run.

Nothing but the standard library is needed to look for one: pytest is asked for only by `require`,
since the demonstration looks for programs where pytest is not installed.
"""

import os
import shutil
from pathlib import Path
from typing import NoReturn

# Daemons live there, and it is not in everyone's PATH.
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def find(program: str) -> Path | None:
    """The absolute path of a program, or None if it is not installed."""
    folders = (os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS)
    found = shutil.which(program, path=os.pathsep.join(folders))
    return Path(found).absolute() if found else None


def require(program: str, package: str | None = None) -> Path:
    """The absolute path of a program that a test cannot do without.

    Without it a developer's run skips the test, naming the package to install; in continuous
    integration (the variable CI is set) the test fails, so that nothing is left out unnoticed.

    :param package: the system package that brings it, if it is not named like the program.
    """
    found = find(program)
    if found is None:
        unavailable(f"{program}: install the package {package or program}")
    return found


def unavailable(what: str) -> NoReturn:
    """End the running test because a program is missing: a failure in CI, otherwise a skip."""
    import pytest

    missing = f"not installed: {what}"
    if os.environ.get("CI"):
        pytest.fail(missing, pytrace=False)
    pytest.skip(missing)
