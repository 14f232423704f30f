"""Tells numbers and health over HTTP, for a long-lived process that serves nothing else.

`/metrics` is what Prometheus reads; `/health/live` answers as long as the process does, and
`/health/ready` whether it can work. Each answer is made when it is asked for: at rest it costs
nothing.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import structlog
from prometheus_client import CollectorRegistry, make_wsgi_app

log = structlog.get_logger("cloudhands.listener")

# A client that says nothing for so long is not waited for.
TIMEOUT_SECONDS = 10.0

Health = Callable[[], Mapping[str, str]]
"""Says whether the process can work: nothing, or what keeps it from it, by the part's name."""

StartResponse = Callable[..., Any]


class _Server(ThreadingMixIn, WSGIServer):
    """One thread a request; none keeps the process from ending."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Not a traceback on standard error: a client has gone away."""
        log.debug("client gone", client=str(client_address[0]))


class _Handler(WSGIRequestHandler):
    """Logs at debug only: somebody asks every few seconds."""

    timeout = TIMEOUT_SECONDS

    def log_message(self, format: str, *args: Any) -> None:
        """Where the standard library would write to standard error."""
        log.debug("asked", request=format % args)


@contextmanager
def listening(
    host: str, port: int, registry: CollectorRegistry, health: Health
) -> Iterator[int | None]:
    """Answer within the block, in a thread; gives the port, or None where it cannot listen.

    A port that another process has is logged as a warning: what the process is for goes on.

    :param port: 0 for one that is free.
    :param registry: the numbers to tell.
    """
    app = _App(registry, health)
    try:
        server = make_server(host, port, app, server_class=_Server, handler_class=_Handler)
    except OSError as error:
        log.warning("no metrics", host=host, port=port, reason=error.strerror or str(error))
        yield None
        return
    thread = threading.Thread(target=server.serve_forever, name="listener", daemon=True)
    thread.start()
    log.info("listening", host=host, port=server.server_port)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _App:
    """The WSGI application."""

    def __init__(self, registry: CollectorRegistry, health: Health) -> None:
        self._metrics = make_wsgi_app(registry)
        self._health = health

    def __call__(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return _answer(start, "405 Method Not Allowed", {"status": "only GET"})
        try:
            return self._get(environ, start)
        except Exception:
            # The database may be away; whoever asks hears it as a number that is missing.
            log.exception("not told", path=environ["PATH_INFO"])
            return _answer(start, "503 Service Unavailable", {"status": "unready"})

    def _get(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/metrics":
                told: Iterable[bytes] = self._metrics(environ, start)
                return told
            case "/health/live":
                return _answer(start, "200 OK", {"status": "live"})
            case "/health/ready":
                if missing := self._health():
                    return _answer(
                        start, "503 Service Unavailable", {"status": "unready", **missing}
                    )
                return _answer(start, "200 OK", {"status": "ready"})
        return _answer(start, "404 Not Found", {"status": "no such page"})


def _answer(start: StartResponse, status: str, body: Mapping[str, str]) -> Iterable[bytes]:
    text = json.dumps(body).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(text))),
        ("Cache-Control", "no-store"),
    ]
    start(status, headers)
    return [text]
