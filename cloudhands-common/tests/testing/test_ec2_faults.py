import io
import json
from dataclasses import asdict
from typing import Any

import pytest

from cloudhands.common.testing.ec2_faults import PATH, Fault, Faulty


class Real:
    """What is broken: it counts what it has carried out, and says how it was asked."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.done += 1
        start_response("200 OK", [])
        return [b"real: ", environ["wsgi.input"].read()]


class Line:
    """The connection of a request."""

    broken = False

    def shutdown(self, how: int) -> None:
        self.broken = True


class Asking:
    """Asks a broken application."""

    def __init__(self) -> None:
        self.real = Real()
        self.broken = Faulty(self.real)
        self.line = Line()
        self.headers: dict[str, str] = {}

    def ask(self, action: str, method: str = "POST", path: str = "/") -> tuple[str, str]:
        body = action.encode() if path == PATH else f"Version=1&Action={action}".encode()
        environ = {
            "PATH_INFO": path,
            "REQUEST_METHOD": method,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "werkzeug.socket": self.line,
        }
        told = ["none"]

        def start(status: str, headers: list[tuple[str, str]]) -> None:
            told[0] = status.split()[0]
            self.headers = dict(headers)

        answer = b"".join(self.broken(environ, start)).decode()
        return told[0], answer

    def plan(self, *faults: Fault) -> tuple[str, str]:
        return self.ask(json.dumps([asdict(fault) for fault in faults]), path=PATH)


@pytest.fixture
def asking() -> Asking:
    return Asking()


def test_without_a_fault_it_is_as_it_was(asking: Asking) -> None:
    assert asking.ask("Stop") == ("200", "real: Version=1&Action=Stop")


def test_a_fault_happens_to_its_action_and_as_often_as_it_says(asking: Asking) -> None:
    asking.plan(Fault("Stop", times=2, status=503, code="Unavailable", words="Not now"))
    assert asking.ask("Start")[0] == "200"
    for _ in range(2):
        status, body = asking.ask("Stop")
        assert status == "503"
        assert "<Code>Unavailable</Code><Message>Not now</Message>" in body
    assert asking.ask("Stop")[0] == "200"
    assert asking.real.done == 2


def test_one_that_has_no_end_is_ended(asking: Asking) -> None:
    asking.plan(Fault(times=None, status=500))
    assert [asking.ask("Stop")[0] for _ in range(5)] == ["500"] * 5
    asking.ask("", "DELETE", PATH)
    assert asking.ask("Stop")[0] == "200"


def test_a_lost_reply_took_effect_and_a_lost_request_did_not(asking: Asking) -> None:
    asking.plan(Fault(effect=True, lost=True), Fault(lost=True))
    for done in (1, 1):
        asking.line.broken = False
        assert asking.ask("Run") == ("none", "")
        assert asking.line.broken
        assert asking.real.done == done


def test_an_answer_of_ones_own(asking: Asking) -> None:
    asking.plan(Fault(status=502, body="<html>", retry_after=7), Fault(delay=0.01))
    assert asking.ask("Run") == ("502", "<html>")
    assert asking.headers["Retry-After"] == "7"
    assert asking.ask("Run")[0] == "200", "a delay alone lets the real answer pass"


def test_chances(asking: Asking) -> None:
    asking.plan(Fault(times=None, share=0.5, status=500))
    failed = [asking.ask("Run")[0] for _ in range(200)].count("500")
    assert 50 < failed < 150
    assert asking.real.done == 200 - failed


def test_what_was_asked_is_counted(asking: Asking) -> None:
    for action in ("Run", "Stop", "Run"):
        asking.ask(action)
    assert json.loads(asking.ask("", "GET", PATH)[1]) == {"Run": 2, "Stop": 1}


def test_a_fault_that_nobody_knows_is_refused(asking: Asking) -> None:
    status, why = asking.ask('[{"colour": "red"}]', path=PATH)
    assert status == "400"
    assert "colour" in why
    assert asking.ask("Run")[0] == "200"
