"""The portal's processes, restarted one at a time while people ask: nobody is refused."""

import subprocess
import sysconfig
import tempfile
import threading
from collections import Counter
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from cloudhands.common import settings
from cloudhands.common.testing.ports import LOOPBACK, answers, free_port
from cloudhands.common.testing.processes import running
from cloudhands.common.testing.programs import require
from cloudhands.ops.deploy import files

SCRIPTS = Path(sysconfig.get_path("scripts"))
PROCESSES = ("cloud-serve:cloud-serve_00", "cloud-serve:cloud-serve_01")
# What asks shall not take all of the processor from what starts.
PAUSE_SECONDS = 0.02
IDLE = "#!/bin/sh\nexec sleep 600\n"


class Installation:
    """cloud-serve under supervisord, the other programs idle."""

    def __init__(self, folder, database_url, nginx):
        self.port = free_port()
        self.file = folder / "cloudhands.toml"
        self.file.write_text(
            f'state = "{folder}"\n[database]\nurl = "{database_url}"\n[portal]\n'
            f"port = {self.port}\nnginx = {str(nginx).lower()}\nrequests_per_second = 0\n",
            encoding="utf-8",
        )
        self.settings = settings.load(file=self.file, environment={})
        self.layout = files.Layout(self.file, folder, self._programs(folder / "bin"))
        files.write(self.layout, self.settings.portal, folder)
        self.config = folder / files.SUPERVISORD

    def _programs(self, folder):
        folder.mkdir()
        (folder / "cloud-serve").symlink_to(SCRIPTS / "cloud-serve")
        for name in ("cloud-index", "cloud-burst"):
            (folder / name).write_text(IDLE, encoding="utf-8")
            (folder / name).chmod(0o755)
        return folder

    def control(self, *argv):
        return subprocess.run(
            [SCRIPTS / "supervisorctl", "-c", self.config, *argv],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        ).stdout

    def serves(self):
        return answers(self.port) and self.ask("GET", "/health/ready") == 200

    def connection(self):
        return closing(HTTPConnection(LOOPBACK, self.port, timeout=30))

    def ask(self, method, path):
        with self.connection() as connection:
            return status(connection, method, path)


def status(connection, method, path):
    connection.request(method, path)
    answer = connection.getresponse()
    answer.read()
    return answer.status


@pytest.fixture(params=["direct", "nginx"])
def installation(request, sqlite_url):
    if request.param == "nginx":
        require("nginx")
    with tempfile.TemporaryDirectory(prefix="cloudhands-", dir="/tmp") as folder:
        made = Installation(Path(folder), sqlite_url, request.param == "nginx")
        argv = [str(SCRIPTS / "supervisord"), "-n", "-c", str(made.config)]
        with running(argv, ready=made.serves, limit=60, stop_limit=30):
            yield made


def asking(installation, over, told):
    """Ask until it is over, each time anew; behind nginx over one kept connection, too."""
    behind_nginx = installation.settings.portal.nginx
    with installation.connection() as kept:
        while not over.wait(PAUSE_SECONDS):
            told["GET", installation.ask("GET", "/health/live")] += 1
            told["POST", installation.ask("POST", "/health/live")] += 1
            if behind_nginx:
                told["GET", status(kept, "GET", "/health/live")] += 1
                told["POST", status(kept, "POST", "/health/live")] += 1


def test_no_request_is_lost(installation):
    over, told = threading.Event(), [Counter() for _ in range(3)]
    askers = [threading.Thread(target=asking, args=(installation, over, one)) for one in told]
    for asker in askers:
        asker.start()
    before = [installation.control("pid", name) for name in PROCESSES]
    try:
        said = [installation.control("restart", name) for name in PROCESSES]
    finally:
        over.set()
        for asker in askers:
            asker.join(60)
    after = [installation.control("pid", name) for name in PROCESSES]
    assert all("started" in one for one in said), said
    assert not set(before) & set(after)
    total = sum(told, Counter())
    assert set(total) == {("GET", 200), ("POST", 405)}, total
    assert sum(total.values()) > 200
    log = (installation.layout.logs / "supervisord.log").read_text(encoding="utf-8")
    assert log.count("(exit status 0)") == len(PROCESSES), log
