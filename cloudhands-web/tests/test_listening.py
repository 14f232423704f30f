"""Which socket `cloud-serve` listens on, and whom it believes there what is forwarded."""

import json
import socket
from contextlib import contextmanager

import httpx
import pytest

from cloudhands.common.errors import ConfigurationError
from cloudhands.common.settings import Portal, Settings
from cloudhands.common.testing.ports import LOOPBACK, free_port
from cloudhands.web.listening import listening
from cloudhands.web.testing import serving

FORWARDED = {
    "X-Forwarded-For": "192.0.2.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "99",
    "X-Forwarded-By": "evil.example",
    "Forwarded": "for=192.0.2.8;host=evil.example;proto=https",
}
SEEN = ("REMOTE_ADDR", "wsgi.url_scheme", "HTTP_HOST")


def tell(environ, start_response):
    """Tells what it sees of the client."""
    told = {name: environ[name] for name in SEEN}
    told["forwarded"] = sorted(name for name in environ if "FORWARDED" in name)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(told).encode()]


@contextmanager
def served(settings, fd=None):
    with listening(settings, fd) as listener, serving(tell, listener):
        yield


def behind_nginx(folder):
    return Settings(state=folder, portal=Portal(nginx=True))


def on_unix(path, headers):
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path))) as client:
        return client.get("http://portal.test:81/", headers=headers).json()


def test_what_nginx_forwards_is_believed_on_the_private_socket(tmp_path):
    with served(behind_nginx(tmp_path)):
        told = on_unix(tmp_path / "run" / "portal.sock", FORWARDED)
    assert [told[name] for name in SEEN] == ["192.0.2.7", "https", "portal.test:81"]
    assert told["forwarded"] == ["HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO"]


def test_an_address_of_ipv6_is_told_without_brackets(tmp_path):
    with served(behind_nginx(tmp_path)):
        told = on_unix(tmp_path / "run" / "portal.sock", {"X-Forwarded-For": "2001:db8::7"})
    assert told["REMOTE_ADDR"] == "2001:db8::7"


def test_what_a_client_says_is_forwarded_is_dropped_at_a_port():
    port = free_port()
    with served(Settings(portal=Portal(port=port))):
        address = f"http://{LOOPBACK}:{port}/"
        told = httpx.get(address, headers=FORWARDED, trust_env=False).json()
    assert [told[name] for name in SEEN] == [LOOPBACK, "http", f"{LOOPBACK}:{port}"]
    assert told["forwarded"] == []


def test_only_its_owner_may_connect_to_the_private_socket(tmp_path):
    path = tmp_path / "run" / "portal.sock"
    with listening(behind_nginx(tmp_path)):
        assert path.stat().st_mode & 0o077 == 0


def test_a_socket_that_was_left_behind_is_replaced_but_not_one_in_use(tmp_path):
    settings = behind_nginx(tmp_path)
    taken = pytest.raises(ConfigurationError, match=r"portal\.socket")
    with listening(settings), taken, listening(settings):
        pass
    assert (tmp_path / "run" / "portal.sock").is_socket(), "as a killed process leaves it"
    with served(settings):
        assert on_unix(tmp_path / "run" / "portal.sock", {})


def test_a_path_too_long_for_a_socket_is_named(tmp_path):
    settings = behind_nginx(tmp_path / ("deep" * 25))
    with pytest.raises(ConfigurationError, match="107 bytes"), listening(settings):
        pass


def test_an_inherited_socket_is_served():
    with socket.create_server((LOOPBACK, 0)) as held:
        port = held.getsockname()[1]
        with served(Settings(), fd=held.fileno()):
            told = httpx.get(f"http://{LOOPBACK}:{port}/", trust_env=False).json()
        assert told["REMOTE_ADDR"] == LOOPBACK


@pytest.mark.parametrize("kind", ["closed", "file", "not listening"])
def test_what_is_no_listening_socket_is_refused(kind, tmp_path):
    with (tmp_path / "file").open("w") as file, socket.socket() as idle:
        fd = {"closed": 999, "file": file.fileno(), "not listening": idle.fileno()}[kind]
        with pytest.raises(ConfigurationError, match=f"--fd {fd}: "), listening(Settings(), fd):
            pass
