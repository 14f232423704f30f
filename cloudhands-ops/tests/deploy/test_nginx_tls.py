"""nginx that speaks TLS, where the settings name a certificate."""

import json
import os
import pwd
import socket
import ssl
import subprocess
import tempfile
from pathlib import Path

import httpx
import pytest

from cloudhands.common.testing.certificates import self_signed
from cloudhands.common.testing.nginx import complaints, nginx
from cloudhands.common.testing.ports import LOOPBACK, free_port
from cloudhands.common.testing.programs import require
from cloudhands.ops.deploy.nginx import Nginx
from cloudhands.ops.deploy.testing import Front, fronted


def tell(environ, start_response):
    """Tells what it sees of the client."""
    seen = {name: environ.get(name) for name in ("wsgi.url_scheme", "HTTP_HOST", "REMOTE_ADDR")}
    start_response("200 OK", [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
    return [json.dumps(seen).encode()]


@pytest.fixture
def certificate(tmp_path):
    require("openssl")
    return self_signed(tmp_path, f"IP:{LOOPBACK}", "DNS:localhost")


@pytest.fixture
def front(tmp_path, certificate):
    # Relative paths are below the state folder.
    tls = {"tls_certificate": certificate.file.name, "tls_key": certificate.key_file.name}
    with fronted(tmp_path, tell, redirect_port=free_port(), **tls) as made:
        yield made


def trusting(certificate):
    return ssl.create_default_context(cafile=str(certificate.file))


def test_the_portal_learns_of_tls(front, certificate):
    with httpx.Client(verify=trusting(certificate), trust_env=False) as client:
        seen = client.get(front.address, headers={"X-Forwarded-Proto": "http"}).json()
    assert front.address.startswith("https://")
    assert seen == {
        "wsgi.url_scheme": "https",
        "HTTP_HOST": f"{LOOPBACK}:{front.settings.portal.port}",
        "REMOTE_ADDR": LOOPBACK,
    }


def negotiated(front, context):
    """Protocol of HTTP and version of TLS that a client and nginx agree on."""
    with (
        socket.create_connection((LOOPBACK, front.settings.portal.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        return connection.selected_alpn_protocol(), connection.version()


def test_http_2_is_offered(front, certificate):
    context = trusting(certificate)
    context.set_alpn_protocols(["h2", "http/1.1"])
    assert negotiated(front, context) == ("h2", "TLSv1.3")


def test_tls_1_2_is_the_oldest(front, certificate):
    context = trusting(certificate)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert negotiated(front, context)[1] == "TLSv1.2"
    context = trusting(certificate)
    # Older than what this machine's OpenSSL offers by itself.
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        negotiated(front, context)


def test_plain_http_leads_to_tls_with_the_method_and_the_whole_address(front):
    portal = front.settings.portal
    answer = httpx.post(f"http://{LOOPBACK}:{portal.redirect_port}/a?b=c", trust_env=False)
    assert answer.status_code == 308
    assert answer.headers["Location"] == f"https://{LOOPBACK}:{portal.port}/a?b=c"


def test_plain_http_at_the_port_of_tls_leads_there_too(front):
    plain = front.address.replace("https", "http")
    answer = httpx.get(f"{plain}/a?b=c", trust_env=False)
    assert answer.status_code == 308
    assert answer.headers["Location"] == f"{front.address}/a?b=c"


def test_what_nginx_itself_answers_keeps_browsers_at_tls(front, certificate):
    front.take_down()
    with httpx.Client(verify=trusting(certificate), trust_env=False) as client:
        answer = client.get(front.address)
    assert answer.status_code == 503
    assert "max-age=" in answer.headers["Strict-Transport-Security"]


def test_nginx_has_nothing_against_it(tmp_path, certificate):
    front = Front(tmp_path, tell, tls_certificate=certificate.file, tls_key=certificate.key_file)
    assert complaints(front.write()) == ""


@pytest.mark.parametrize(
    ("version", "directive"), [((1, 22, 1), False), ((1, 25, 1), True), ((1, 26, 3), True)]
)
def test_http_2_is_asked_for_as_the_version_wants_it(version, directive):
    assert Nginx(Path("nginx"), version, "").has_http2_directive is directive


def test_an_ordinary_user_runs_all_of_it(monkeypatch):
    """Root does so as nobody; for anybody else every test does."""
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(prefix="cloudhands-", dir="/tmp") as folder:
        is_root = os.geteuid() == 0
        monkeypatch.setattr("os.geteuid", lambda: nobody.pw_uid)
        front = Front(Path(folder), tell)
        config, prefix = front.write(), []
        if is_root:
            subprocess.run(["chown", "-R", "nobody", folder], check=True)
            ids = [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
            prefix = [str(require("setpriv", "util-linux")), *ids]
        with nginx(config, front.settings.portal.port, *prefix) as process:
            assert Path(f"/proc/{process.pid}").stat().st_uid != 0
            assert process.output() == ""
            with front.client() as client:
                assert client.get("/").status_code == 503
