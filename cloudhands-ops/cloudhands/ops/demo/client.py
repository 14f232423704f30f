"""A small client of the portal: it knows HAL-FORMS and link relations, and no path but ``/``.

It rides out a portal that is killed and started again. A question is asked again; a submission
whose answer was lost is made again only after a look at whether it took effect.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

import httpx

from cloudhands.common.errors import CloudhandsError

MEDIA_TYPE = "application/prs.hal-forms+json"
PATIENCE_SECONDS = 30
PAUSE_SECONDS = 0.2
TIMEOUT_SECONDS = 20
AWAY = (502, 503)

T = TypeVar("T")


class Unexpected(CloudhandsError):
    """The portal, or the world behind it, is not as it should be."""


class Problem(Unexpected):
    """The portal refused (RFC 9457); `status` is HTTP's."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(f"{status}: {sentence}")
        self.status = status


class Lost(CloudhandsError):
    """There was no answer: what was submitted may or may not have taken effect."""


@dataclass(frozen=True)
class Resource:
    """One resource as the portal shows it.

    :param document: its JSON.
    """

    document: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        """One value of what it tells about itself.

        :raises Unexpected: if it does not tell it.
        """
        if name not in self.document:
            raise Unexpected(f"{self._name} does not tell its {name!r}")
        return self.document[name]

    def links(self, rel: str) -> Sequence[Mapping[str, Any]]:
        """Every link of a relation."""
        found = self.document.get("_links", {}).get(rel, [])
        return found if isinstance(found, list) else [found]

    def link(self, rel: str, title: str | None = None) -> str:
        """Where the first link of a relation leads, or the first with a title.

        :raises Unexpected: if there is none.
        """
        for link in self.links(rel):
            if title in (None, link.get("title")):
                return str(link["href"])
        raise Unexpected(f"{self._name} has no link {rel!r}{f' to {title}' if title else ''}")

    def embedded(self, rel: str) -> Sequence["Resource"]:
        """What it holds by a relation."""
        return [Resource(found) for found in self.document.get("_embedded", {}).get(rel, [])]

    def offers(self, key: str) -> bool:
        """Whether something can be done now."""
        return key in self.document.get("_templates", {})

    def template(self, key: str) -> Mapping[str, Any]:
        """How something is done.

        :raises Unexpected: if it cannot be done now.
        """
        if not self.offers(key):
            raise Unexpected(f"{self._name} does not offer {key!r} now")
        found: Mapping[str, Any] = self.document["_templates"][key]
        return found

    @property
    def _name(self) -> str:
        return str(self.document.get("title", "the resource"))


class Client:
    """One person's client, with the cookies of their session.

    :param address: the portal's front page.
    """

    def __init__(self, address: str, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(
            base_url=address,
            headers={"Accept": MEDIA_TYPE},
            timeout=TIMEOUT_SECONDS,
            # A proxy that the shell names has no way to this machine's loopback interface.
            trust_env=False,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._http.close()

    def front(self) -> Resource:
        """The one resource whose address is known."""
        return self.get("/")

    def get(self, href: str, **variables: str) -> Resource:
        """A resource.

        :param href: as a link has it, templated or not.
        :param variables: what to fill a templated one with (RFC 6570, form-style query).
        :raises Problem: if it is refused.
        :raises Lost: if the portal stays away.
        """
        path = href.partition("{")[0]
        target = f"{path}?{urlencode(variables)}" if variables else path
        return patiently(lambda: self._resource(self._send("GET", target)))

    def submit(
        self,
        find: Callable[[], Resource],
        key: str,
        values: Mapping[str, str],
        done: Callable[[], Resource | None],
    ) -> Resource:
        """Do something that a resource offers, once, and show what the answer leads to.

        :param find: gets the resource that offers it.
        :param key: the template's.
        :param values: what to fill in, over what the template starts with.
        :param done: shows the outcome if it took effect, after an answer was lost.
        :raises Problem: if it is refused.
        :raises Lost: if the portal stays away.
        """

        def attempt() -> Resource:
            template = find().template(key)
            try:
                location = self._post(template, values)
            except Lost:
                outcome = done()
                if outcome is None:
                    raise
                return outcome
            return self.get(location)

        return patiently(attempt)

    def _post(self, template: Mapping[str, Any], values: Mapping[str, str]) -> str:
        """Submit once; returns where to look."""
        start = {
            field["name"]: field["value"] for field in template["properties"] if "value" in field
        }
        answer = self._send(template["method"], template["target"], {**start, **values})
        if "Location" not in answer.headers:
            raise Unexpected(f"{answer.status_code} without a Location from {template['target']}")
        return answer.headers["Location"]

    def _send(
        self, method: str, target: str, body: Mapping[str, str] | None = None
    ) -> httpx.Response:
        try:
            answer = self._http.request(method, target, json=body)
        except httpx.TransportError as error:
            raise Lost(f"no answer from {target}: {str(error) or type(error).__name__}") from error
        if answer.status_code in AWAY:
            raise Lost(f"{answer.status_code} from {target}")
        if answer.status_code >= 400:
            raise Problem(answer.status_code, _sentence(answer))
        return answer

    def _resource(self, answer: httpx.Response) -> Resource:
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        if kind != MEDIA_TYPE:
            raise Unexpected(f"{answer.url.path} is {kind or 'of no type'} and not {MEDIA_TYPE}")
        return Resource(answer.json())


def patiently(attempt: Callable[[], T]) -> T:
    """Try until there is an answer, for as long as a program may need to be started again.

    :raises Lost: the last one, if there is none by then.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return attempt()
        except Lost:
            if time.monotonic() > deadline:
                raise
        time.sleep(PAUSE_SECONDS)


def _sentence(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        return "; ".join([problem["detail"], *problem.get("errors", {}).values()])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
