"""The schema's benchmark on small worlds: it runs and measures. Times prove nothing here."""

import json
import subprocess
import sys
from pathlib import Path

from cloudhands.common.testing import postgresql
from cloudhands.common.testing.programs import unavailable

PROGRAM = Path(__file__).parents[2] / "bench" / "schema.py"
KEYS = {"read_ratio", "list_ratio", "transition_ratio", "claim_ratio"}
TINY = ("--quick", "--appliances=1000", "--touches=6", "--seconds=0.001")


def run(*arguments):
    return subprocess.run(
        [sys.executable, PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_every_figure_is_measured_on_both_databases():
    if not postgresql.is_installed():
        unavailable("postgresql: install the package of that name")
    done = run("--json", *TINY)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures.keys() == {"sqlite", "postgresql"}
    for kind, found in figures.items():
        assert found.keys() == KEYS
        assert all(value > 0 for value in found.values()), found
        assert f"{kind}: 600 of 600 touches written" in done.stderr


def test_help_tells_the_options():
    shown = run("--help").stdout
    for option in ("--json", "--quick", "--check", "--appliances", "--touches", "--seconds"):
        assert option in shown
