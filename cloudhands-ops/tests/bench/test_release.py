"""What bench/release.py counts and compares; check.sh builds and deploys releases themselves."""

import os
import socket
import subprocess
import sys
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from cloudhands.common.testing.ports import LOOPBACK, free_port

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture(scope="module", autouse=True)
def _importable():
    sys.path.insert(0, str(BENCH))
    yield
    sys.path.remove(str(BENCH))


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(self.path.removeprefix("/")))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Nobody reads it."""


@pytest.fixture
def server():
    with ThreadingHTTPServer((LOOPBACK, 0), Answers) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield f"http://{LOOPBACK}:{made.server_port}"
        made.shutdown()
        thread.join()


def test_what_fails_is_counted_and_named(server):
    from release_load import Counting, Told, together

    told = Told()
    with httpx.Client(transport=Counting(told)) as client:
        for status in (200, 304, 404, 503):
            client.get(f"{server}/{status}")
        with pytest.raises(httpx.ConnectError):
            client.get(f"http://{LOOPBACK}:{free_port()}/away")
    assert told.requests == 5
    assert [failure.split(" ")[1] for failure in told.failures] == ["/404:", "/503:", "/away:"]
    assert told.longest > 0
    both = together([told, Told(requests=1, failures=["lost"], longest=9, written=2)])
    assert (both.requests, len(both.failures), both.longest, both.written) == (6, 4, 9, 2)


def undated(member):
    member.mtime = 0
    return member


def bundle(folder, content):
    from release_builds import Bundle

    top = folder / "cloudhands-1.0"
    top.mkdir(parents=True)
    (top / "SHA256SUMS").write_text(f"{content}  wheels/a.whl\nsame  requirements.txt\n")
    file = folder / "cloudhands-1.0.tar"
    with tarfile.open(file, "w") as tar:
        tar.add(top, top.name, filter=undated)
    return Bundle(file, 1.0)


def test_two_builds_are_compared_file_by_file(tmp_path):
    from release_builds import differing

    one, two = bundle(tmp_path / "1", "abc"), bundle(tmp_path / "2", "abc")
    other = bundle(tmp_path / "3", "xyz")
    assert one.version == "1.0"
    assert differing(one, two, tmp_path / "same") == []
    assert differing(one, other, tmp_path / "other") == ["wheels/a.whl"]


def test_what_runs_gets_nothing_of_this_pythons_own(monkeypatch):
    from release_builds import Failed, run

    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("CLOUDHANDS_PORTAL__PORT", "1")
    told = run(["env"], CLOUDHANDS_CONFIG="given")
    assert "PYTHONPATH" not in told
    assert "PORTAL__PORT" not in told
    assert "CLOUDHANDS_CONFIG=given" in told
    with pytest.raises(Failed, match="ended with 3\nwhy"):
        run(["sh", "-c", "echo why; exit 3"])


def test_there_is_no_network_in_the_namespace():
    from release_offline import possible

    if not possible():
        pytest.skip("this user may make no network namespace")
    program = (
        "import release_offline, socket; release_offline.enter(); "
        "print(*[name for _, name in socket.if_nameindex()]); "
        f"socket.create_server(('{LOOPBACK}', 0)); print('served')"
    )
    environment = {**os.environ, "PYTHONPATH": str(BENCH)}
    done = subprocess.run(
        [*possible(), sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["lo", "served"], done.stderr


def test_where_there_is_a_network_nothing_is_tried():
    from release_offline import enter

    if len(socket.if_nameindex()) == 1:
        pytest.skip("this machine has no network")
    with pytest.raises(RuntimeError, match="there is a network here"):
        enter()


def test_the_figures_are_those_of_the_issue():
    import release

    keys = "build_s deploy_s bundle_mb requests failed_requests sdists_identical bundle_identical"
    assert [goal.key for goal in release.GOALS] == keys.split()
