"""A writer that is killed at any moment, while a reader serves: nothing torn, nothing lost."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from cloudhands.common.errors import IndexUnavailable
from cloudhands.web.index import engine

PEOPLE = 30
KILLS = 30

# Commits in a loop until it is killed: everybody bears the commit's number, also in the cookie. One
# that is over is written down. Every line that it reads begins another one, in a fork: to import
# all this again would take longer than what is tested.
WRITER = f"""
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from cloudhands.common.person import Person
from cloudhands.web.index import engine
from cloudhands.web.index.decode import Entry

folder = Path(sys.argv[1])

def everybody(number):
    for one in range({PEOPLE}):
        yield Entry(Person(f"id-{{one}}", f"u{{one}}", str(number), ""), ("name", f"n{{number}}"))

def commit(writer, number):
    position = engine.Position("persist", b"%d" % number, "", datetime.now(UTC))
    if writer.position() is None or number % 4 == 0:
        writer.replace(everybody(number), position)
    else:
        writer.change(everybody(number), ["unknown"], position)

def work():
    with engine.writer(folder) as writer, open(folder / "over", "ab", buffering=0) as over:
        position = writer.position()
        number = int(position.cookie) if position else 0
        while True:
            number += 1
            commit(writer, number)
            over.write(b"%d\\n" % number)

for line in sys.stdin:
    if not (pid := os.fork()):
        work()
    print(pid, flush=True)
    os.waitpid(pid, 0)
    print("ended", flush=True)
"""


def commit_of(snapshot):
    """The number of a snapshot's commit; fails if it is not the same of everybody in it."""
    number = int(snapshot.position.cookie)
    everybody = snapshot.entries(engine.exactly(engine.NAMES, "name"), 10 * PEOPLE)
    assert {entry.person.id for entry in everybody} == {f"id-{one}" for one in range(PEOPLE)}
    assert len(everybody) == PEOPLE
    assert {entry.person.name for entry in everybody} == {str(number)}
    return number


class Serving(threading.Thread):
    """Reads all the time; what it finds never goes back, and never is torn or away."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.reader = engine.Reader(folder)
        self.over = threading.Event()
        self.wrong = None
        self.seen = set()

    def run(self):
        last = 0
        try:
            while not self.over.is_set():
                number = commit_of(self.reader.snapshot())
                assert number >= last
                last = number
                self.seen.add(number)
                time.sleep(0.002)
        except (AssertionError, IndexUnavailable) as error:
            self.wrong = error


@pytest.fixture
def folder(tmp_path):
    """In memory where that can be: more commits in less time, and the process is what is killed."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="cloudhands-test-", dir=memory) as made:
        yield Path(made)


@pytest.fixture
def begin(folder):
    """Begins a writer and gives its pid; when it has ended, `begin` may be called again."""
    argv = [sys.executable, "-c", WRITER, str(folder)]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def begun():
            process.stdin.write("again\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        begun.ended = lambda: process.stdout.readline() == "ended\n"
        yield begun
        process.stdin.close()


def written_down(folder):
    found = (folder / "over").read_bytes().split(b"\n")[:-1]
    return int(found[-1]) if found else 0


def test_kill_9_at_any_moment_of_a_commit(folder, begin):
    chance = random.Random(6)
    serving = Serving(folder)
    last = 0
    for kill in range(KILLS):
        pid = begin()
        if kill == 0:
            wait_for_the_first(folder)
            serving.start()
        time.sleep(chance.uniform(0.01, 0.15))
        os.kill(pid, signal.SIGKILL)
        assert begin.ended()
        # What was over is there, and at most the one that was not, whole.
        last = max(last, written_down(folder))
        number = commit_of(engine.Reader(folder).snapshot())
        assert number in (last, last + 1)
        assert commit_of(serving.reader.snapshot()) == number
        last = number
        # Whoever comes next holds the lock at once, and goes on where it was.
        with engine.writer(folder) as writer:
            assert int(writer.position().cookie) == number
            assert writer.people() == PEOPLE
            assert len(list(engine.location(folder).glob("files-*"))) == 1
    serving.over.set()
    serving.join()
    assert serving.wrong is None
    assert len(serving.seen) > 1


def wait_for_the_first(folder):
    deadline = time.monotonic() + 20
    while not (engine.location(folder) / "current" / engine.META).exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
