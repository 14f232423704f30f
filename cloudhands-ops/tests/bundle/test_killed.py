"""Killed on the way: what serves goes on, and the same command ends it well.

Here at some of the lines that are told; `bench/release_killed.py` does it at each of them, with a
whole bundle.
"""

import os
import signal
import subprocess
import threading
from collections import Counter

from cloudhands.ops.bundle.supervision import Supervision


class Asking:
    """Asks the portal all the while."""

    def __init__(self, site):
        self._site = site
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.told = Counter()

    def __enter__(self):
        self._thread.start()
        return self.told

    def __exit__(self, *_):
        self._over.set()
        self._thread.join(60)

    def _run(self):
        while not self._over.wait(0.05):
            try:
                self.told[self._site.answer()] += 1
            except OSError as error:
                self.told[repr(error)] += 1


def killed(argv, when):
    """Run until a line is told of which this holds, and kill all of it there.

    Returns the exit status, or None if it was killed.
    """
    process = subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    with process:
        for line in process.stdout:
            if when(line):
                os.killpg(process.pid, signal.SIGKILL)
                return None
    return process.returncode


def killed_at(argv, begin):
    return killed(argv, lambda line: line.startswith(begin))


def serves(site):
    assert site.host.running().is_complete
    assert site.answer() in ("1.0", "1.1")


def test_a_first_installation(site, bundles):
    argv = site.argv(
        *("install", bundles("1.0"), "--config", site.config, "--signers", site.signers)
    )
    # Where something is begun that an upgrade does not do.
    for line in ("Making the environment of supervisord", "Wrote"):
        assert killed_at(argv, line) is None
    assert killed_at(argv, "never told") == 0
    assert site.answer() == "1.0"
    assert set(site.versions().values()) == {"1.0"}


AT = ("Making", "Migrating", "Restarting cloud-s")
BACK_AT = ("Restarting cloud-serve:cloud-serve_01",)


def test_an_upgrade_and_a_rollback(first, bundles):
    with Asking(first) as told:
        argv = first.argv("install", bundles("1.1", schema="0017"))
        for line in AT:
            assert killed_at(argv, line) is None, line
            serves(first)
        assert killed_at(argv, "never told") == 0
        assert set(first.versions().values()) == {"1.1"}
        assert first.host.running().before == "1.0"
        assert not first.host.journal.read()
        assert first.done().count("1.1 backup") <= 2

        argv = first.argv("rollback")
        for line in BACK_AT:
            assert killed_at(argv, line) is None, line
            serves(first)
        assert killed_at(argv, "never told") == 0
        assert killed_at(argv, "never told") == 0
    assert set(told) == {"1.0", "1.1"}, told
    last = first.host.last()
    assert (last["action"], last["from"], last["to"]) == ("rollback", "1.1", "1.0")
    assert set(first.versions().values()) == {"1.0"}
    assert all(program.state == "RUNNING" for program in Supervision(first.host).programs())


def test_what_was_stopped_in_between_runs_again_and_what_was_before_does_not(first, bundles):
    supervision = Supervision(first.host)
    _, _, index, burst = supervision.programs()
    supervision.stop(index)
    assert killed_at(first.argv("install", bundles("1.1")), "Restarting cloud-serve") is None
    supervision.stop(burst)  # as a restart that is killed in its midst leaves it
    assert first.run("install", bundles("1.1")).returncode == 0
    _, _, index, burst = supervision.programs()
    assert (index.state, burst.state) == ("STOPPED", "RUNNING")
