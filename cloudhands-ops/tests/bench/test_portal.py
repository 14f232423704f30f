"""The portal's benchmark in its short form: it runs and measures. Times prove nothing here."""

import json
import subprocess
import sys
from pathlib import Path

from cloudhands.common.testing.programs import require

PROGRAM = Path(__file__).parents[2] / "bench" / "portal.py"
KEYS = {
    "early_304_of_hello",
    "page_of_hello",
    "json_of_hello",
    "history_ratio",
    "organisations_ratio",
    "public_cached_ratio",
    "poll_errors",
    "poll_p99_ms",
}


def run(*arguments):
    return subprocess.run(
        [sys.executable, PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_every_figure_is_measured():
    require("nginx")
    done = run("--quick", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures.keys() == KEYS
    assert figures.pop("poll_errors") == 0
    assert all(value > 0 for value in figures.values()), figures


def test_help_tells_the_options():
    shown = run("--help").stdout
    for option in ("--json", "--quick", "--check"):
        assert option in shown
