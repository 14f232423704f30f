"""What answers is no OpenStack, or breaks its promises: trouble in plain words, never `Gone`."""

import json
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import MappingProxyType
from typing import Any

import pytest

from cloudhands.burst.calls import Paced
from cloudhands.burst.metrics import Metrics
from cloudhands.burst.pace import Pace
from cloudhands.burst.providers.openstack import ADAPTER
from cloudhands.common.cloud import Cloud, Denied, Identity, ServerSpec, Temporary

Look = Callable[[], object]
IDENTITY = Identity("installation", "appliance", 1)
SPEC = ServerSpec(IDENTITY, "name", "image", "size")
VERSIONS = {"compute": ("v2.1", "2.90"), "image": ("v2.0", ""), "network": ("v2.0", "")}
MARKS = {
    "cloudhands_installation": "installation",
    "cloudhands_appliance": "appliance",
    "cloudhands_generation": "1",
}


class Stub(ThreadingHTTPServer):
    """Lets everybody in, and then answers as it is told to.

    :ivar told: an answer's status and body.
    :ivar known: what it answers to paths nevertheless.
    :ivar token: what it answers to who wants in, in place of a token.
    """

    told: tuple[int, str] = (200, "{}")
    known: Mapping[str, Any] = MappingProxyType({})
    token: tuple[int, str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, path: str) -> tuple[int, str]:
        """The answer to a path, without its query."""
        if path == "/v3/auth/tokens":
            return self.token or (201, json.dumps({"token": self._token()}))
        for kind, (version, newest) in VERSIONS.items():
            if path.rstrip("/") == f"/{kind}/{version}":
                links = [{"rel": "self", "href": f"{self.url}/{kind}/{version}"}]
                about = {"id": version, "status": "CURRENT", "version": newest, "links": links}
                return 200, json.dumps({"version": {**about, "min_version": "2.1"}})
        if path in self.known:
            return 200, json.dumps(self.known[path])
        return self.told

    def _token(self) -> dict[str, Any]:
        catalog = [
            {
                "type": kind,
                "name": kind,
                "endpoints": [
                    {
                        "interface": "public",
                        "region": "one",
                        "region_id": "one",
                        "url": f"{self.url}/{kind}/{version}",
                    }
                ],
            }
            for kind, (version, _) in VERSIONS.items()
        ]
        moments = {"issued_at": "2026-01-01T00:00:00Z", "expires_at": "2999-01-01T00:00:00Z"}
        return {**moments, "project": {"id": "p", "name": "p"}, "catalog": catalog}


class Answers(BaseHTTPRequestHandler):
    server: Stub

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, body = self.server.answer(self.path.partition("?")[0])
        self.send_response(status)
        self.send_header("X-Subject-Token", "token")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 (the standard library's names)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    server = Stub(("127.0.0.1", 0), Answers)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def cloud(stub: Stub, tmp_path: Path) -> Cloud:
    """As cloud-burst calls it."""
    stub.token, stub.known = None, {}
    auth = {"username": "burst", "password": "s3cret", "project_name": "research"}
    file = tmp_path / "project.json"
    file.write_text(json.dumps({**auth, "auth_url": f"{stub.url}/v3"}), encoding="utf-8")
    options = {"credentials": file, "network": "private", "external_network": "public"}
    made = ADAPTER.connect("private", ADAPTER.Options.model_validate(options), tmp_path)
    return Paced(made, "private", Pace(8, 10_000), Metrics())


@pytest.fixture
def looks(cloud: Cloud) -> list[Look]:
    return [
        lambda: cloud.find(IDENTITY),
        lambda: cloud.observe("id"),
        lambda: cloud.listed("installation"),
        lambda: cloud.standing(["image"], ["size"]),
        lambda: cloud.create(SPEC),
    ]


ODD = [
    "<html>Welcome</html>",
    "",
    "{}",
    "[]",
    "null",
    '{"servers": null, "server": null, "images": null, "flavors": null}',
    '"none"',
    '{"servers": 3, "server": 3, "images": 3, "flavors": 3}',
    '{"servers": [3], "server": [3], "images": [3], "flavors": [3]}',
    json.dumps({"servers": [{"metadata": MARKS}], "server": {"metadata": MARKS}}),
]


@pytest.mark.parametrize("body", ODD, ids=lambda body: body[:20])
def test_an_answer_that_is_none(stub: Stub, looks: list[Look], body: str) -> None:
    stub.told = 200, body
    for look in looks:
        with pytest.raises(
            Temporary, match=r"not what its API promises|how the server is"
        ) as caught:
            look()
        assert "<" not in str(caught.value), "a person reads it"


@pytest.mark.parametrize("body", ["<html>Thanks</html>", "{}", '{"server": {}}'])
def test_a_server_that_was_made_and_not_told_of(stub: Stub, cloud: Cloud, body: str) -> None:
    image = {"id": "i", "name": "image", "status": "active", "created_at": "2026-01-01"}
    stub.known = {
        "/image/v2.0/images": {"images": [image]},
        "/compute/v2.1/flavors": {"flavors": [{"id": "s", "name": "size"}]},
        "/network/v2.0/networks": {"networks": [{"id": "n", "name": "private"}]},
    }
    stub.told = 202, body
    with pytest.raises(Temporary, match="it has no id of the server"):
        cloud.create(SPEC)


@pytest.mark.parametrize(
    ("token", "kind", "words"),
    [
        ((401, '{"error": {"message": "It has expired."}}'), Denied, "It has expired"),
        ((200, "<html>Welcome</html>"), Temporary, "answer is"),
        ((201, "{}"), Temporary, "answer is"),
    ],
)
def test_an_expired_credential_and_a_token_that_is_none(
    stub: Stub, looks: list[Look], token: tuple[int, str], kind: type[Exception], words: str
) -> None:
    stub.token = token
    for look in looks:
        with pytest.raises(kind, match=words) as caught:
            look()
        assert "s3cret" not in str(caught.value)
