"""cloud-burst's benchmark in its short form: it runs and measures. Times prove nothing here."""

import json
import subprocess
import sys
from pathlib import Path

from cloudhands.common.testing import postgresql
from cloudhands.common.testing.programs import unavailable

PROGRAM = Path(__file__).parents[2] / "bench" / "burst.py"
KEYS = {
    "sqlite_of_ceiling",
    "postgresql_of_ceiling",
    "two_workers_ratio",
    "rest_ratio",
    "idle_cpu_percent",
    "start_p99_ms",
}


def run(*arguments):
    return subprocess.run(
        [sys.executable, PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_every_figure_is_measured():
    if not postgresql.is_installed():
        unavailable("postgresql: install the package of that name")
    done = run("--quick", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures.keys() == KEYS
    assert figures.pop("idle_cpu_percent") >= 0
    assert all(value > 0 for value in figures.values()), figures


def test_help_tells_the_options():
    shown = run("--help").stdout
    for option in ("--json", "--quick", "--check"):
        assert option in shown
