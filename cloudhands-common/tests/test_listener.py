import http.client
import json
import socket
from collections.abc import Mapping

import pytest
from prometheus_client import CollectorRegistry, Counter
from structlog.testing import capture_logs

from cloudhands.common.listener import listening


@pytest.fixture
def registry() -> CollectorRegistry:
    made = CollectorRegistry()
    Counter("cloudhands_apples", "Apples.", registry=made).inc(3)
    return made


def ask(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_numbers_and_health(registry: CollectorRegistry) -> None:
    missing: dict[str, str] = {}
    with listening("127.0.0.1", 0, registry, lambda: missing) as port:
        assert port
        status, text = ask(port, "/metrics")
        assert status == 200
        assert "cloudhands_apples_total 3.0" in text
        assert ask(port, "/health/live") == (200, '{"status": "live"}')
        assert ask(port, "/health/ready") == (200, '{"status": "ready"}')
        missing["database"] = "unavailable"
        status, text = ask(port, "/health/ready")
        assert (status, json.loads(text)["database"]) == (503, "unavailable")
        assert ask(port, "/elsewhere")[0] == 404
        assert ask(port, "/metrics", "POST")[0] == 405
    with pytest.raises(OSError, match="refused"):
        ask(port, "/health/live")


def test_what_cannot_be_told_is_unready_and_nothing_ends(
    registry: CollectorRegistry, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken() -> Mapping[str, str]:
        raise RuntimeError("the database is away")

    with listening("127.0.0.1", 0, registry, broken) as port, capture_logs() as logs:
        assert port
        assert ask(port, "/health/ready") == (503, '{"status": "unready"}')
        assert ask(port, "/health/live")[0] == 200
        with socket.create_connection(("127.0.0.1", port)) as rude:
            rude.sendall(b"\x00\xff nonsense\r\n\r\n")
        assert ask(port, "/health/live")[0] == 200
    assert [line["path"] for line in logs if line["event"] == "not told"] == ["/health/ready"]
    assert "Traceback" not in capfd.readouterr().err


def test_a_port_that_another_has_is_a_warning(registry: CollectorRegistry) -> None:
    with listening("127.0.0.1", 0, registry, dict) as port, capture_logs() as logs:
        assert port
        with listening("127.0.0.1", port, registry, dict) as other:
            assert other is None
        assert ask(port, "/health/live")[0] == 200
    (line,) = [line for line in logs if line["event"] == "no metrics"]
    assert (line["log_level"], line["port"]) == ("warning", port)


def test_a_host_that_does_not_exist_is_one_too(registry: CollectorRegistry) -> None:
    with listening("no.such.host.invalid", 0, registry, dict) as port:
        assert port is None
