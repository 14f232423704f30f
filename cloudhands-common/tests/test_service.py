import json
import subprocess
import sys
from importlib.metadata import version

import pytest

from cloudhands.common import service
from cloudhands.common.errors import (
    Conflict,
    DirectoryError,
    SettingsError,
)


def run(main, *argv):
    return service.run(service.parser("cloud-test", "cloudhands-common", "For a test."), main, argv)


@pytest.mark.parametrize(
    ("error", "status"),
    [(Conflict("no"), 1), (SettingsError("a\nb"), 2), (DirectoryError("down"), 3)],
)
def test_errors_that_a_person_can_mend_are_a_line_and_a_status(capsys, error, status):
    def main(options):
        raise error

    assert run(main) == status
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"cloud-test: {line}" for line in str(error).splitlines()]


def test_who_interrupts_sees_a_line(capsys):
    def main(options):
        raise KeyboardInterrupt

    assert run(main) == 130
    assert capsys.readouterr().err == "\ncloud-test: interrupted\n"


def test_overrides(capsys):
    def main(options):
        assert options.overrides == [("portal.port", "1"), ("state", "a=b")]
        return 0

    assert run(main, "--set", "portal.port=1", "--set", "state=a=b") == 0
    with pytest.raises(SystemExit) as caught:
        run(main, "--set", "portal.port")
    assert caught.value.code == 2
    assert "is not KEY=VALUE" in capsys.readouterr().err


LOGGING = """
import logging, structlog
from cloudhands.common import service
service.set_up_logging("info")
structlog.get_logger("ours").info("hello", number=1, text="two\\nlines")
logging.getLogger("theirs").warning("from a %s", "library")
structlog.get_logger("ours").debug("not shown")
try:
    1 / 0
except ZeroDivisionError:
    structlog.get_logger("ours").exception("failed")
"""


def test_each_log_line_is_one_json_object():
    done = subprocess.run(
        [sys.executable, "-c", LOGGING], capture_output=True, text=True, timeout=60, check=True
    )
    first, second, third = map(json.loads, done.stderr.splitlines())
    assert (first["event"], first["number"], first["text"]) == ("hello", 1, "two\nlines")
    assert (second["event"], second["level"], second["logger"]) == (
        "from a library",
        "warning",
        "theirs",
    )
    assert "ZeroDivisionError" in third["exception"]
    assert all(line["timestamp"].endswith("Z") for line in (first, second, third))


def test_version_is_one_line_on_a_narrow_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    with pytest.raises(SystemExit) as caught:
        run(lambda options: 1, "--version")
    assert caught.value.code == 0
    (told,) = capsys.readouterr().out.splitlines()
    assert told == f"cloud-test {version('cloudhands-common')} (revision unknown: a work tree)"
