"""An open loop of polling browsers: how long a page's next look takes, whatever the last one took.

Each browser has a connection and a session of its own and asks again every so many seconds with
`If-None-Match`, as a page does that renews itself. The browsers' moments are spread evenly. A look
is measured from the moment at which it was due, not from when it was sent: a server that falls
behind cannot hide it by keeping browsers from asking (coordinated omission).
"""

import asyncio
import gc
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context

from cloudhands.common.testing.ports import LOOPBACK
from harness.exchange import RECEIVED_AT_ONCE, SILENCE, Head, ProtocolError, Responses, request

UNCHANGED = 304
FIRST_LOOKS_PER_SECOND = 100
LOST = (OSError, EOFError, ProtocolError, asyncio.TimeoutError)


@dataclass(frozen=True)
class Browser:
    """What somebody looks at.

    :param path: of the page.
    :param headers: the session's cookie and the media type.
    """

    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Schedule:
    """How often the browsers look.

    :param period: seconds from one look of a browser to its next.
    :param seconds: how long they go on, after everyone's first look.
    """

    period: float
    seconds: float


@dataclass
class Looks:
    """What came of it.

    :param times: seconds of each look that was answered, from when it was due.
    :param unchanged: how many were answered by 304.
    :param errors: how many failed, by what happened.
    """

    times: list[float] = field(default_factory=list)
    unchanged: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    def percentile(self, percent: float) -> float:
        """Seconds within which that share of the looks was answered; infinite if none was."""
        if not self.times:
            return math.inf
        return sorted(self.times)[math.ceil(len(self.times) * percent / 100) - 1]


def poll(port: int, browsers: Sequence[Browser], schedule: Schedule) -> Looks:
    """Let browsers look at the pages of a server, from a process of their own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_poll, port, browsers, schedule).result()


def _poll(port: int, browsers: Sequence[Browser], schedule: Schedule) -> Looks:
    # The collector would stop every browser at once, and the server would be blamed.
    gc.disable()
    return asyncio.run(_everyone(port, browsers, schedule))


async def _everyone(port: int, browsers: Sequence[Browser], schedule: Schedule) -> Looks:
    looks = Looks()
    opening = max(schedule.period, len(browsers) / FIRST_LOOKS_PER_SECOND)
    begin = asyncio.get_running_loop().time() + opening
    async with asyncio.TaskGroup() as tasks:
        for number, browser in enumerate(browsers):
            share = number / len(browsers)
            tab = _Tab(port, browser, looks)
            first = begin - opening * (1 - share)
            tasks.create_task(tab.browse(first, begin + schedule.period * share, schedule))
    return looks


class _Tab:
    """One browser with its connection and the tag of what it shows."""

    def __init__(self, port: int, browser: Browser, looks: Looks) -> None:
        self._port = port
        self._browser = browser
        self._looks = looks
        self._responses = Responses()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._etag = ""

    async def browse(self, first: float, begin: float, schedule: Schedule) -> None:
        """The first look, which is not measured, and then one each period."""
        await _at(first)
        await self._look()
        due = begin
        while due < begin + schedule.seconds:
            await _at(due)
            if await self._look():
                self._looks.times.append(asyncio.get_running_loop().time() - due)
            due += schedule.period
        self._close()

    async def _look(self) -> bool:
        try:
            async with asyncio.timeout(SILENCE):
                head = await self._answer()
        except LOST as error:
            self._looks.errors[type(error).__name__] += 1
            self._close()
            return False
        if head.closes:
            self._close()
        return self._note(head)

    def _note(self, head: Head) -> bool:
        if head.status == UNCHANGED:
            self._looks.unchanged += 1
        elif head.status == 200:
            self._etag = head.headers.get("etag", "")
        else:
            self._looks.errors[str(head.status)] += 1
            return False
        return True

    async def _answer(self) -> Head:
        kept = self._streams is not None
        try:
            return await self._exchange()
        except (ConnectionError, EOFError):
            # The server may end a connection while nothing is asked; a browser then makes another.
            if not kept:
                raise
            self._close()
            return await self._exchange()

    async def _exchange(self) -> Head:
        if self._streams is None:
            self._streams = await asyncio.open_connection(LOOPBACK, self._port)
        reader, writer = self._streams
        known = {"If-None-Match": self._etag} if self._etag else {}
        writer.write(request(self._browser.path, {**self._browser.headers, **known}))
        while (head := self._responses.take()) is None:
            data = await reader.read(RECEIVED_AT_ONCE)
            if not data:
                raise EOFError
            self._responses.feed(data)
        return head

    def _close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
        self._responses.clear()


async def _at(moment: float) -> None:
    await asyncio.sleep(moment - asyncio.get_running_loop().time())
