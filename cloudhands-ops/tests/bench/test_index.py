"""The index's benchmark with few people: it runs and measures. Times prove nothing here."""

import json
import subprocess
import sys
from pathlib import Path

from cloudhands.common.testing.fixtures import require_slapd
from cloudhands.common.testing.programs import require

PROGRAM = Path(__file__).parents[2] / "bench" / "index.py"
KEYS = {
    "read_of_ldapsearch",
    "read_of_ldap3",
    "change_visible_ms",
    "idle_poll_ms",
    "search_p50_ms",
    "search_p99_ms",
    "whoosh_ratio",
    "million_p99_ratio",
    "recall_exact",
    "recall_one_typo",
    "recall_two_typos",
}
TINY = ("--people=500", "--each=10", "--rounds=1")


def run(*arguments):
    return subprocess.run(
        [sys.executable, PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_every_figure_is_measured():
    require_slapd()
    require("ldapsearch", package="ldap-utils")
    done = run("--json", *TINY)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures.keys() == KEYS
    assert all(value > 0 for value in figures.values()), figures
    # No time decides over these.
    assert figures["recall_exact"] == 1
    assert figures["recall_one_typo"] >= 0.9
    assert figures["recall_two_typos"] >= 0.8


def test_help_tells_the_options():
    shown = run("--help").stdout
    for option in ("--json", "--quick", "--check", "--people", "--each", "--rounds"):
        assert option in shown
