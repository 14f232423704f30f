"""The races' long form, kept short: it runs races on both databases and tells what came of them."""

import json
import subprocess
import sys
from pathlib import Path

NAMES = ("node-living", "history-chain")
PROGRAM = Path(__file__).parents[2] / "bench" / "races.py"


def run(*arguments):
    return subprocess.run(
        [sys.executable, PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_races_are_run_on_both(tmp_path):
    file = tmp_path / "races.json"
    done = run("--quick", "--json", file, *(f"--race={name}" for name in NAMES))
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(file.read_text())
    assert found.keys() == {"postgresql", "sqlite"}
    for kind in found.values():
        assert kind["races"].keys() == set(NAMES)
        assert kind["findings"] == []
        assert all(race["attempts"] == 8 * race["rounds"] > 0 for race in kind["races"].values())
    assert all(race["unguarded"]["broken"] for race in found["postgresql"]["races"].values())


def test_no_rounds_are_refused():
    done = run("--rounds=0")
    assert done.returncode == 2
    assert "give 1 or more" in done.stderr
