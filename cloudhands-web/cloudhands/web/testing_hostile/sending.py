"""Makes requests of hostile shape, all of them from one number."""

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from cloudhands.web.http.cookies import SESSION_COOKIE
from cloudhands.web.http.fields import CSRF_TOKEN
from cloudhands.web.http.methods import of_views
from cloudhands.web.http.negotiation import HAL_FORMS, HTML
from cloudhands.web.testing import Portal
from cloudhands.web.testing_hostile.texts import (
    BODIES,
    HEADER_NAMES,
    HEADER_TEXTS,
    METHODS,
    RAW_TEXTS,
    READ,
    TEXTS,
)
from cloudhands.web.testing_wsgi import HOST, ask

WEIGHTS = {"GET": 8, "POST": 20, "HEAD": 2}
VIEWERS = {"": 1, "member": 2, "admin": 2, "invitee": 1}


@dataclass
class Sent:
    """A request that is being made."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    environ: dict[str, str | None] = field(default_factory=dict)


class Hostility:
    """Makes requests, all of them from one number."""

    def __init__(self, portal: Portal, seed: int) -> None:
        self.portal = portal
        self.random = random.Random(seed)
        self.sessions = {uid: Session(portal, uid) for uid in VIEWERS}
        self.ids = valid_parts(portal)
        self.routes = routes(portal)
        self.forms: dict[str, dict[str, Any]] = {}
        for pattern in self.routes:
            for session in self.sessions.values():
                self.forms |= forms(session.page(self.fill(pattern, self.ids.__getitem__)))

    def request(self) -> Sent:
        """Something that could be right, spoiled in up to four places."""
        sent = self._right()
        spoilers = {
            self._spoil_header: 8,
            self._spoil_query: 2,
            self._spoil_path: 1,
            self._spoil_body: 4 if sent.body else 0,
            self._spoil_method: 1,
            self._spoil_environ: 1,
        }
        many = self.random.choice((0, 1, 1, 2, 3, 4))
        for spoil in self.random.choices(list(spoilers), list(spoilers.values()), k=many):
            spoil(sent)
        return sent

    def _right(self) -> Sent:
        pattern = self.random.choice(list(self.routes))
        methods = self.routes[pattern]
        (method,) = self.random.choices(methods, [WEIGHTS.get(one, 1) for one in methods])
        sent = Sent(method, self.fill(pattern, self._part))
        (uid,) = self.random.choices(list(VIEWERS), list(VIEWERS.values()))
        session = self.sessions[uid]
        is_program = self.random.random() < 0.5
        sent.headers = {"Accept": HAL_FORMS if is_program else f"{HTML},*/*;q=0.8"}
        sent.headers |= session.headers
        if self.random.random() < 0.1:
            url = self.random.choice((f"http://{HOST}/people", *HEADER_TEXTS))
            sent.headers |= {"HX-Request": "true", "HX-Current-URL": url}
        if self.random.random() < 0.1:
            sent.environ["wsgi.url_scheme"] = "https"
            sent.headers["Referer"] = self.random.choice((f"https://{HOST}/", *HEADER_TEXTS))
        if sent.method == "POST":
            self._submit(sent, session, is_program)
        return sent

    @staticmethod
    def fill(pattern: str, part: Callable[[str], str]) -> str:
        return re.sub(r"\{(\w+)(?::(?:[^{}]|\{\d+\})*)?\}", lambda found: part(found[1]), pattern)

    def _part(self, name: str) -> str:
        if self.random.random() < 0.9:
            return self.ids[name]
        return escaped(self.random.choice((*TEXTS, *self.ids.values())))

    def _submit(self, sent: Sent, session: "Session", is_program: bool) -> None:
        fields = dict(self.forms.get(sent.path, ()))
        for name in fields:
            if self.random.random() < 0.3:
                fields[name] = self.random.choice(TEXTS)
        if self.random.random() < 0.1:
            fields[self.random.choice(TEXTS)] = ""
        fields[CSRF_TOKEN] = session.token
        if is_program:
            sent.headers["Content-Type"] = "application/json"
            sent.body = json.dumps(fields).encode()
        else:
            sent.headers["Content-Type"] = "application/x-www-form-urlencoded"
            sent.headers["Sec-Fetch-Site"] = "same-origin"
            sent.body = urlencode(fields, errors="surrogatepass").encode()

    def _spoil_header(self, sent: Sent) -> None:
        names = READ if self.random.random() < 0.7 else HEADER_NAMES
        sent.headers[self.random.choice(names)] = self.random.choice(HEADER_TEXTS)

    def _spoil_query(self, sent: Sent) -> None:
        name = self.random.choice(("q", "next", "x", "", "%ff"))
        texts = (*(escaped(text) for text in TEXTS), *RAW_TEXTS)
        sent.query += f"&{name}={self.random.choice(texts)}"

    def _spoil_path(self, sent: Sent) -> None:
        at = self.random.randrange(len(sent.path) + 1)
        texts = (*(escaped(text) for text in TEXTS), *RAW_TEXTS, "/", "//")
        sent.path = sent.path[:at] + self.random.choice(texts) + sent.path[at:]

    def _spoil_body(self, sent: Sent) -> None:
        if self.random.random() < 0.5:
            sent.body = self.random.choice(BODIES)
        else:
            body = bytearray(sent.body or b"{}")
            body[self.random.randrange(len(body))] = self.random.randrange(256)
            sent.body = bytes(body)

    def _spoil_method(self, sent: Sent) -> None:
        sent.method = self.random.choice(METHODS)

    def _spoil_environ(self, sent: Sent) -> None:
        sent.environ |= self.random.choice(
            ({"REMOTE_ADDR": None}, {"SERVER_PROTOCOL": "HTTP/1.0"}, {"HTTP_HOST": None})
        )

    def renew(self) -> None:
        """Sign in again whoever was signed out by a request that was right."""
        for uid, session in self.sessions.items():
            if uid and not session.is_open():
                self.sessions[uid] = Session(self.portal, uid)


def escaped(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


class Session:
    """Somebody's session, or none; its cookie and its token."""

    def __init__(self, portal: Portal, uid: str) -> None:
        self.app = portal.app
        self.headers = {"Cookie": f"{SESSION_COOKIE}={portal.cookie(uid)}"} if uid else {}
        self.token = forms(self.page("/"))["/sign-out"][CSRF_TOKEN] if uid else ""

    def page(self, path: str) -> Any:
        """A page as HAL."""
        answer = ask(self.app, "GET", f"{path}?q=grace", {"Accept": HAL_FORMS, **self.headers})
        return answer.document if answer.status == 200 and "json" in answer.kind else {}

    def is_open(self) -> bool:
        return "/sign-out" in forms(self.page("/"))


def forms(document: Any) -> dict[str, dict[str, Any]]:
    """What each template of a document would send, by its target."""
    found = {
        template["target"]: {one["name"]: one.get("value", "x") for one in template["properties"]}
        for template in document.get("_templates", {}).values()
    }
    for items in document.get("_embedded", {}).values():
        for one in items:
            found |= forms(one)
    return found


def routes(portal: Portal) -> dict[str, list[str]]:
    """The methods of each pattern."""
    methods = of_views(portal.config.introspector)
    patterns = portal.config.introspector.get_category("routes")
    return {
        route["introspectable"]["pattern"]: sorted(methods[route["introspectable"]["name"]])
        for route in patterns
    }


def valid_parts(portal: Portal) -> dict[str, str]:
    """A right value for each part of a path."""
    world = portal.world
    page = ask(portal.app, "GET", "/", {"Accept": HTML}).body.decode()
    ((digest, file), *_) = re.findall(r"/static/([0-9a-f]+)/([^\"]+)", page)
    return {
        "organisation": str(world.organisation),
        "item": str(world.item),
        "appliance": str(world.appliance),
        "membership": str(world.invitation),
        "key": str(world.key),
        "rel": "account",
        "problem": "not-found",
        "digest": digest,
        "file": file,
    }
