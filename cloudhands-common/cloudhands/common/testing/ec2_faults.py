"""Breaks a server that speaks EC2's API: what is asked of it fails as the real one's does.

A WSGI wrapper around it. Which faults happen is set at run time, over HTTP at `PATH`: POST adds a
list of them (JSON, the fields of `Fault`), DELETE ends them all, GET tells how often each action
was asked for.
"""

import io
import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

PATH = "/faults"
ANY = "*"

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

ERROR = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    "<Response><Errors><Error><Code>{code}</Code><Message>{words}</Message></Error></Errors>"
    "<RequestID>00000000-0000-4000-8000-000000000000</RequestID></Response>"
)


@dataclass(frozen=True)
class Fault:
    """What shall happen to one of the next requests, or to many.

    :param action: EC2's name of what is asked for, `*` for whatever it is.
    :param times: to how many requests; None until all faults are ended.
    :param share: by which chance it happens to one, from 0 to 1.
    :param delay: seconds until there is an answer.
    :param effect: whether the request is carried out before it fails.
    :param lost: whether the connection breaks without an answer.
    :param status: the HTTP status of the answer; None (and no `body`) lets the real answer pass.
    :param code: EC2's error code in it.
    :param words: its message.
    :param body: the whole answer, in place of EC2's error.
    :param retry_after: seconds in the header of that name.
    """

    action: str = ANY
    times: int | None = 1
    share: float = 1
    delay: float = 0
    effect: bool = False
    lost: bool = False
    status: int | None = None
    code: str = ""
    words: str = "a fault that was asked for"
    body: str | None = None
    retry_after: float | None = None

    @property
    def answers(self) -> bool:
        """Whether it takes the place of the real answer."""
        return self.status is not None or self.body is not None


class Faulty:
    """The application with faults.

    :param application: the one that works.
    :param seed: decides over chances.
    """

    def __init__(self, application: Application, seed: int = 0) -> None:
        self._application = application
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._planned: list[Fault] = []
        self._asked: Counter[str] = Counter()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ["PATH_INFO"] == PATH:
            return self._told(environ, start_response)
        fault = self._due(_action(environ))
        if fault is None:
            return self._application(environ, start_response)
        time.sleep(fault.delay)
        return self._failed(fault, environ, start_response)

    def _failed(
        self, fault: Fault, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        if not (fault.lost or fault.answers):
            return self._application(environ, start_response)
        if fault.effect:
            # Carried out; what it answers nobody hears.
            b"".join(self._application(environ, lambda *about, **more: None))
        if fault.lost:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            return []
        headers = {"Retry-After": f"{fault.retry_after:g}"} if fault.retry_after else {}
        body = fault.body
        if body is None:
            body = ERROR.format(code=fault.code, words=fault.words)
        return _answer(start_response, fault.status or 200, body, headers)

    def _due(self, action: str) -> Fault | None:
        with self._lock:
            self._asked[action] += 1
            for index, fault in enumerate(self._planned):
                if fault.action in (action, ANY) and self._random.random() < fault.share:
                    self._use(index, fault)
                    return fault
        return None

    def _use(self, index: int, fault: Fault) -> None:
        if fault.times is None:
            return
        if fault.times > 1:
            self._planned[index] = replace(fault, times=fault.times - 1)
        else:
            del self._planned[index]

    def _told(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        with self._lock:
            match environ["REQUEST_METHOD"]:
                case "POST":
                    told = json.loads(_body(environ))
                    try:
                        self._planned += [Fault(**fields) for fields in told]
                    except TypeError as error:
                        return _answer(start_response, 400, str(error))
                case "DELETE":
                    self._planned.clear()
            return _answer(start_response, 200, json.dumps(self._asked))


def _body(environ: Environ) -> bytes:
    """What was sent, to be read again by whoever is asked after us."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _action(environ: Environ) -> str:
    return parse_qs(_body(environ).decode(errors="replace")).get("Action", [""])[0]


def _answer(
    start_response: StartResponse,
    status: int,
    body: str,
    headers: Mapping[str, str] | None = None,
) -> Iterable[bytes]:
    sent = body.encode()
    about = {"Content-Type": "text/xml", "Content-Length": str(len(sent)), **(headers or {})}
    start_response(f"{status} Told", list(about.items()))
    return [sent]
