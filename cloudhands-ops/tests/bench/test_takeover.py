"""Two workers share launches and one is killed, in the short form: all end, and none twice."""

import json
import subprocess
import sys
from pathlib import Path

from cloudhands.common.testing import postgresql
from cloudhands.common.testing.programs import unavailable

PROGRAM = Path(__file__).parents[2] / "bench" / "takeover.py"


def test_all_are_launched_once_though_one_worker_is_killed():
    if not postgresql.is_installed():
        unavailable("postgresql: install the package of that name")
    done = subprocess.run(
        [sys.executable, PROGRAM, "--quick", "--json"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["differences"] == []
    assert told["launches"] == 60
    assert told["held_at_the_kill"] > 0
