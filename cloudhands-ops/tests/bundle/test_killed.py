"""Killed at each thing that it tells: what serves goes on, and the same command ends it well."""

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
        while not self._over.wait(0.02):
            try:
                self.told[self._site.answer()] += 1
            except OSError as error:
                self.told[repr(error)] += 1


def killed_at_something_new(argv, known):
    """Run until a line is told that was not told before, and kill all of it there.

    Returns the exit status, or None if it was killed.
    """
    process = subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    with process:
        for line in process.stdout:
            # The last line is told when all is done and noted.
            if line not in known and not line.startswith("Next: "):
                known[line] = None
                os.killpg(process.pid, signal.SIGKILL)
                return None
    return process.returncode


def kill_at_every_line(argv, between):
    known = {}
    while (status := killed_at_something_new(argv, known)) is None:
        between()
        assert len(known) < 100, known
    assert status == 0, known
    return list(known)


def test_two_installations_and_a_rollback(site, bundles):
    def serves():
        assert site.host.running().is_complete
        assert site.answer() in ("1.0", "1.1")

    given = ("--config", site.config, "--signers", site.signers)
    kill_at_every_line(site.argv("install", bundles("1.0"), *given), lambda: None)
    assert site.answer() == "1.0"
    assert set(site.versions().values()) == {"1.0"}

    with Asking(site) as told:
        lines = kill_at_every_line(site.argv("install", bundles("1.1", schema="0017")), serves)
    assert set(told) == {"1.0", "1.1"}, told
    assert set(site.versions().values()) == {"1.1"}
    assert site.host.running().before == "1.0"
    assert not site.host.journal.read()
    assert [one for one in site.done() if "backup" in one]
    steps = {"Verifying", "Keeping", "Making", "Trying", "Backing", "Migrating", "Switching"}
    assert steps | {"Restarting"} <= {line.split()[0] for line in lines}

    with Asking(site) as told:
        kill_at_every_line(site.argv("rollback"), serves)
    assert set(told) == {"1.0", "1.1"}, told
    assert set(site.versions().values()) == {"1.0"}
    assert all(program.state == "RUNNING" for program in Supervision(site.host).programs())


def test_what_was_stopped_in_between_runs_again_and_what_was_before_does_not(first, bundles):
    supervision = Supervision(first.host)
    _, _, index, burst = supervision.programs()
    supervision.stop(index)
    known = {}
    argv = first.argv("install", bundles("1.1"))
    while not any("Restarting cloud-serve" in line for line in known):
        assert killed_at_something_new(argv, known) is None
    supervision.stop(burst)  # as a restart that is killed in its midst leaves it
    assert first.run("install", bundles("1.1")).returncode == 0
    _, _, index, burst = supervision.programs()
    assert (index.state, burst.state) == ("STOPPED", "RUNNING")
