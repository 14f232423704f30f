"""Chaos in its short form: workers killed amid faults, and nothing is leaked, doubled or stuck."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cloudhands.common.testing import postgresql
from cloudhands.common.testing.programs import unavailable

PROGRAM = Path(__file__).parents[2] / "bench" / "chaos.py"


def run(*arguments):
    return subprocess.run(
        [sys.executable, PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(("kind", "frozen"), [("sqlite", None), ("postgresql", 1)])
def test_nothing_is_leaked_or_double(kind, frozen, tmp_path):
    if kind == "postgresql" and not postgresql.is_installed():
        unavailable("postgresql: install the package of that name")
    file = tmp_path / "chaos.json"
    done = run("--quick", f"--on={kind}", "--json", file)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(file.read_text())
    counts = found[kind]["counts"]
    assert found[kind]["differences"] == []
    assert counts["kills"] >= 8
    assert counts["launch"] == 24
    assert counts.get("freezes") == frozen
    assert f"seed {found['seed']}" in done.stdout


def test_no_appliances_are_refused():
    done = run("--appliances=0")
    assert done.returncode == 2
    assert "give 1 or more" in done.stderr
