"""A closed loop of requests: how many a server answers in a second when it is never left idle.

The same client loads everything that is compared: so many connections, kept open until the server
closes them, on each of them so many requests under way (pipelined if more than one). It runs in a
process of its own (`loading`), so that it never waits for the interpreter of whoever asks for it.
"""

import select
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context

from cloudhands.common.testing.ports import LOOPBACK
from harness.exchange import RECEIVED_AT_ONCE, SILENCE, Responses


class Unexpected(RuntimeError):
    """An answer that the measure is not about; a rate of it would say nothing."""


@dataclass(frozen=True)
class Target:
    """What to ask of whom.

    :param port: of 127.0.0.1.
    :param request: its bytes.
    :param status: of every answer.
    :param connections: how many at the same time.
    :param depth: how many requests are under way on each.
    :param wake_bytes: how much has to arrive on a connection before the client looks: less than all
        answers that are under way. A client that looks at each answer costs more than nginx does.
    """

    port: int
    request: bytes
    status: int = 200
    connections: int = 8
    depth: int = 1
    wake_bytes: int = 1


def rate(target: Target, seconds: float) -> float:
    """Answers a second, in this process.

    :param seconds: how long to go on.
    :raises Unexpected: at the first answer of another status, or if none comes for 10 s.
    """
    with _connected(target) as connections:
        started = time.perf_counter()
        answered = _answered(target, connections, started + seconds)
        return answered / (time.perf_counter() - started)


class Loader:
    """Runs `rate` in a process that is there already: none is started within a round."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def rate(self, target: Target, seconds: float) -> float:
        """See the function of that name."""
        return self._pool.submit(rate, target, seconds).result()


@contextmanager
def loading() -> Iterator[Loader]:
    """A `Loader`, as long as the block runs."""
    # Spawned: nothing of the caller's threads and sockets comes along.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield Loader(pool)


class _Connection:
    def __init__(self, target: Target) -> None:
        self._target = target
        self._responses = Responses()
        self.open()

    def open(self) -> None:
        """Connect and send the first requests."""
        self.socket = socket.create_connection((LOOPBACK, self._target.port), timeout=SILENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, self._target.wake_bytes)
        self._responses.clear()
        self.socket.sendall(self._target.request * self._target.depth)

    def receive(self) -> tuple[int, bool]:
        """How many answers have come, and whether the server is done with the connection."""
        data = self.socket.recv(RECEIVED_AT_ONCE)
        self._responses.feed(data)
        answers, closes = 0, not data
        while (head := self._responses.take()) is not None:
            if head.status != self._target.status:
                raise Unexpected(f"{head.status} instead of {self._target.status}")
            answers += 1
            closes = closes or head.closes
        return answers, closes

    def send(self, count: int) -> None:
        """Ask again, as many times as was answered."""
        self.socket.sendall(self._target.request * count)


@contextmanager
def _connected(target: Target) -> Iterator[dict[int, _Connection]]:
    made = [_Connection(target) for _ in range(target.connections)]
    connections = {one.socket.fileno(): one for one in made}
    try:
        yield connections
    finally:
        for one in connections.values():
            one.socket.close()


def _answered(target: Target, connections: dict[int, _Connection], until: float) -> int:
    """Answers until a moment of `time.perf_counter`."""
    poll = select.epoll()
    for number in connections:
        poll.register(number, select.EPOLLIN)
    total = 0
    with poll:
        while time.perf_counter() < until:
            ready = poll.poll(SILENCE)
            if not ready:
                raise Unexpected(f"port {target.port} did not answer for {SILENCE:g} s")
            for number, _ in ready:
                total += _served(poll, connections, number)
    return total


def _served(poll: select.epoll, connections: dict[int, _Connection], number: int) -> int:
    connection = connections[number]
    answers, closed = connection.receive()
    if not closed:
        connection.send(answers)
        return answers
    del connections[number]
    connection.socket.close()  # which takes it out of the poll, too
    connection.open()
    connections[connection.socket.fileno()] = connection
    poll.register(connection.socket.fileno(), select.EPOLLIN)
    return answers
