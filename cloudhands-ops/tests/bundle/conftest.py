"""Hosts and bundles of a test's own; the programs in them are stand-ins, supervisord is real."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from cloudhands.common.testing.ports import LOOPBACK, free_port
from cloudhands.ops.bundle import testing
from cloudhands.ops.bundle.host import Host
from cloudhands.ops.bundle.supervision import Supervision, wait


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """A private key, and the file of allowed signers that names it; and a stranger's."""
    folder = tmp_path_factory.mktemp("keys")
    return {name: testing.make_key(folder, name) for name in ("ours", "foreign")}


@pytest.fixture(scope="session")
def bundles(tmp_path_factory, keys):
    """Makes bundles: each is made once, and not to be changed."""
    made = {}

    def bundle(version, **facts):
        wanted = (version, *sorted(facts.items()))
        if wanted not in made:
            folder = tmp_path_factory.mktemp("bundle")
            made[wanted] = testing.Made(version, **facts).bundle(folder, keys["ours"][0])
        return made[wanted]

    return bundle


@pytest.fixture
def copy(bundles, tmp_path):
    """A copy of a bundle, to be changed."""
    bundle = bundles("1.0")
    return Path(shutil.copytree(bundle, tmp_path / bundle.name))


class Site:
    """One host: its folder, its settings, and deployments on it as processes of their own."""

    def __init__(self, folder, signers):
        self.folder = folder
        self.port = free_port()
        self.signers = signers
        self.state = folder / "state"
        self.state.mkdir(parents=True)
        self.host = Host(folder / "host")
        self.config = folder / "site.toml"
        self.write()

    def write(self, more=""):
        text = f'{more}\nstate = "{self.state}"\n[portal]\nport = {self.port}\n'
        self.config.write_text(text, encoding="utf-8")

    def argv(self, *arguments):
        program = [sys.executable, "-m", "cloudhands.ops.bundle"]
        return [*map(str, (*program, *arguments)), "--dir", str(self.host.folder)]

    def run(self, *arguments):
        return subprocess.run(
            self.argv(*arguments), capture_output=True, text=True, timeout=100, check=False
        )

    def install(self, bundle, *more):
        given = ("--config", self.config, "--signers", self.signers)
        return self.run("install", bundle, *given, *more)

    def answer(self):
        """Which version the portal says that it is."""
        with closing(HTTPConnection(LOOPBACK, self.port, timeout=20)) as connection:
            connection.request("GET", "/")
            return connection.getresponse().read().decode()

    def done(self):
        """What was done to the database, in order."""
        log = self.state / "done.log"
        return log.read_text(encoding="utf-8").split("\n")[:-1] if log.exists() else []

    def versions(self):
        """Which release each program runs from."""
        releases = self.host.releases()
        programs = Supervision(self.host).programs()
        return {
            program.name: next(
                (release.version for release in releases if program.is_of(release)), None
            )
            for program in programs
        }

    def shut_down(self):
        """Stop supervisord, if it runs."""
        try:
            pid = int((self.state / "supervisord.pid").read_text(encoding="ascii"))
            os.kill(pid, signal.SIGTERM)
        except (FileNotFoundError, ProcessLookupError):
            return
        deadline = time.monotonic() + 30
        while Path(f"/proc/{pid}/cmdline").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def start(self):
        """Start supervisord, and wait until the portal answers."""
        supervision = Supervision(self.host)
        supervision.start()
        assert wait(supervision.is_well)


@contextmanager
def made_site(keys):
    # A short path, for supervisord's socket.
    with tempfile.TemporaryDirectory(prefix="cloudhands-", dir="/tmp") as folder:
        made = Site(Path(folder) / "site", keys["ours"][1])
        try:
            yield made
        finally:
            made.shut_down()


@pytest.fixture
def site(keys):
    """A host where nothing is installed."""
    with made_site(keys) as made:
        yield made


@pytest.fixture(scope="session")
def prepared(keys, bundles):
    """A host where 1.0 is installed and does not run, and a copy of its folder."""
    with made_site(keys) as made:
        done = made.install(bundles("1.0"), "--no-start")
        assert done.returncode == 0, done.stderr
        copy = made.folder.with_name("copy")
        shutil.copytree(made.folder, copy, symlinks=True)
        yield made, copy


@pytest.fixture
def idle(prepared):
    """A host where 1.0 is installed and does not run: always the same folder."""
    made, copy = prepared
    shutil.rmtree(made.folder)
    shutil.copytree(copy, made.folder, symlinks=True)
    yield made
    made.shut_down()


@pytest.fixture
def first(idle):
    """A host where 1.0 serves."""
    idle.start()
    return idle
