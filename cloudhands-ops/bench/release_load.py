"""People at work in the portal, while something is done to it: what they were answered."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

import httpx

from cloudhands.common.errors import CloudhandsError
from cloudhands.ops.demo import keys
from cloudhands.ops.demo.client import Client
from cloudhands.ops.demo.directory import SignIn
from cloudhands.ops.demo.person import Person

PEOPLE = 3
# What asks shall not take all of the processor from what starts.
PAUSE_SECONDS = 0.2
BETWEEN_SIGN_INS = 1.0
# In every so many rounds a key is added and removed.
WRITE_EVERY = 5


@dataclass
class Told:
    """What was asked, and what came of it.

    :param failures: in words, those that nobody should meet.
    :param longest: seconds that somebody waited for one answer.
    """

    requests: int = 0
    failures: list[str] = field(default_factory=list)
    longest: float = 0
    written: int = 0


class Counting(httpx.BaseTransport):
    """Counts every request, before anybody makes it again."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._http = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one."""
        began = time.monotonic()
        what = f"{request.method} {request.url.path}"
        self._told.requests += 1
        try:
            answer = self._http.handle_request(request)
            answer.read()
        except httpx.TransportError as error:
            self._told.failures.append(f"{what}: {type(error).__name__} {error}")
            raise
        if answer.status_code >= 400:
            self._told.failures.append(f"{what}: {answer.status_code}")
        self._told.longest = max(self._told.longest, time.monotonic() - began)
        return answer

    def close(self) -> None:
        """Close its connections."""
        self._http.close()


@contextmanager
def at_work(address: str, who: SignIn, title: str) -> Iterator[list[Told]]:
    """Some people at work for as long as the block lasts; what each of them was told.

    :param address: the portal's.
    :param who: whom all of them sign in as, in a session each.
    :param title: of their organisation.
    """
    over, told = threading.Event(), [Told() for _ in range(PEOPLE)]
    threads = [
        threading.Thread(target=_work, args=(address, who, title, over, one)) for one in told
    ]
    for thread in threads:
        thread.start()
        # All of them come from one address, of which nginx takes so many attempts and no more.
        time.sleep(BETWEEN_SIGN_INS)
    try:
        yield told
    finally:
        over.set()
        for thread in threads:
            thread.join(120)


def _work(address: str, who: SignIn, title: str, over: threading.Event, told: Told) -> None:
    try:
        with Client(address, Counting(told)) as client:
            person = Person(client, who, title)
            person.sign_in()
            for number in count():
                _a_round(client, person, told, number)
                if over.wait(PAUSE_SECONDS):
                    break
    except (CloudhandsError, httpx.HTTPError) as error:
        told.failures.append(f"somebody gave up: {error}")


def _a_round(client: Client, person: Person, told: Told, number: int) -> None:
    person.appliances()
    client.get(person.organisation().link("ch:catalogue"))
    if number % WRITE_EVERY == 0:
        added = person.add_key(str(number), keys.new_line(person.uid))
        client.submit(lambda: added, "remove-key", {}, done=lambda: None)
        told.written += 2


def together(told: list[Told]) -> Told:
    """What all of them were told."""
    return Told(
        requests=sum(one.requests for one in told),
        failures=[failure for one in told for failure in one.failures],
        longest=max(one.longest for one in told),
        written=sum(one.written for one in told),
    )
