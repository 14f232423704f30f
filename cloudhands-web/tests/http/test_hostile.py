"""6,000 requests of hostile shape over every route: none is a fault of ours, each answer is whole.

A request starts as what a browser or a program would send and is then spoiled in some places. The
requests of a series follow from its number alone, so that a failure comes back; other numbers in
`SERIES` make others.
"""

import json
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

import pytest
from sqlalchemy import select

from cloudhands.common.appliance.tables import Appliance
from cloudhands.web.http.cookies import SESSION_COOKIE
from cloudhands.web.http.fields import CSRF_TOKEN
from cloudhands.web.http.headers import HEADERS
from cloudhands.web.http.methods import of_views
from cloudhands.web.http.negotiation import HAL_FORMS, HTML, PROBLEM_JSON, best_type
from cloudhands.web.http.problem_types import TYPES
from cloudhands.web.testing_wsgi import HOST, ask

SERIES = range(6)
REQUESTS = 1000
WEIGHTS = {"GET": 8, "POST": 20, "HEAD": 2}
VIEWERS = {"": 1, "member": 2, "admin": 2, "invitee": 1}

SCRIPT = "<script>alert(1)</script>"
TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\r\nX-Injected: yes",
    SCRIPT,
    "' OR 1=1 --",
    '"; DROP TABLE users; --',
    "{{7*7}}${7*7}{% raw %}",
    "%s%n%d{0}{}",
    "../../../../etc/passwd",
    "//evil.example/",
    "/\\evil.example",
    "https://evil.example/",
    "javascript:alert(1)",
    "*)(uid=*",
    "grace",
    'name:"x',
    "a AND (b OR",
    "[a TO b}",
    "~2^3 *? \\",
    "\u20ac",
    "\U0001f4a9" * 20,
    "\u202eabc",
    "\ufeff",
    "\ud800",
    "\u0130\u0131\u00df",
    "e\u0301" * 50,
    "x" * 300,
    "x" * 5000,
    "9" * 5000,
    "-1",
    "1e999",
    "NaN",
    "null",
    "true",
    "00000000-0000-0000-0000-000000000000",
    "*",
)
# As they stand in an address, where not everything need be UTF-8.
RAW_TEXTS = ("%ff", "%c0%af", "%ed%a0%80", "%zz", "%", "%2f..%2f", "%00", "\xff", "..", ";a=b", "+")
HEADER_TEXTS = (
    "",
    " ",
    ",",
    ";",
    "=",
    '"',
    "\\",
    "*",
    "\xff\xfe",
    "\xe9",
    "x" * 5000,
    "a=b; c",
    '"\\377"',
    "http://[",
    "http://[::1",
    "//",
    "null",
    "0",
    "-1",
    "99999999999999999999",
    "bytes=0-1,5-,-3",
    "Mon, 99 Foo 9999 99:99:99 GMT",
    'W/"',
    '"a", W/"b", *',
    "gzip;q=0, *;q=x",
    "text/html;q=0",
    "application/json;q=1.1",
    "*/*;q=0",
    "image/png",
    "text/plain; charset=utf-16",
    "chunked",
    "https://evil.example",
    SCRIPT,
)
HEADER_NAMES = (
    "Accept",
    "Accept-Charset",
    "Accept-Encoding",
    "Accept-Language",
    "Authorization",
    "Cache-Control",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "Cookie",
    "Expect",
    "Forwarded",
    "Host",
    "HX-Current-URL",
    "HX-Request",
    "Idempotency-Key",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Origin",
    "Prefer",
    "Range",
    "Referer",
    "Sec-Fetch-Site",
    "TE",
    "Transfer-Encoding",
    "Upgrade",
    "X-CSRF-Token",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-HTTP-Method-Override",
)
# Those of them that the portal looks at.
READ = (
    "Accept",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "Cookie",
    "Host",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Origin",
    "Referer",
    "Sec-Fetch-Site",
    "X-CSRF-Token",
)
METHODS = ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "X", "HEAD")
BODIES = (
    b"{",
    b"[]",
    b"null",
    b'{"label": NaN}',
    b'{"label": 1}',
    b'{"label": "a", "label": "b"}',
    b'{"label": "\\ud800"}',
    b'{"\\u0000": "\\u0000"}',
    b"[" * 50_000,
    b'{"a":' * 2000,
    b"9" * 5000,
    b"\xff\xfe\x00",
    '{"label": "x"}'.encode("utf-16"),
    b"a=b&a=c",
    b"%ff=%ff",
    b"&".join(b"f%d=" % number for number in range(200)),
    b"--x\r\nContent-Disposition: form-data; name=label\r\n\r\nx\r\n--x--\r\n",
    b"\x1f\x8b\x08\x00",
    b" " * 300_000,
)


@dataclass
class Sent:
    """A request that is being made."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    environ: dict[str, str] = field(default_factory=dict)


class Hostility:
    """Makes requests, all of them from one number."""

    def __init__(self, portal, seed):
        self.portal = portal
        self.random = random.Random(seed)
        self.sessions = {uid: Session(portal, uid) for uid in VIEWERS}
        self.ids = valid_parts(portal)
        self.routes = routes(portal)
        self.forms = {}
        for pattern in self.routes:
            for session in self.sessions.values():
                self.forms |= forms(session.page(self._fill(pattern, self.ids.get)))

    def request(self):
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

    def _right(self):
        pattern = self.random.choice(list(self.routes))
        methods = self.routes[pattern]
        (method,) = self.random.choices(methods, [WEIGHTS.get(one, 1) for one in methods])
        sent = Sent(method, self._fill(pattern, self._part))
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
    def _fill(pattern, part):
        return re.sub(r"\{(\w+)(?::(?:[^{}]|\{\d+\})*)?\}", lambda found: part(found[1]), pattern)

    def _part(self, name):
        if self.random.random() < 0.9:
            return self.ids[name]
        return escaped(self.random.choice((*TEXTS, *self.ids.values())))

    def _submit(self, sent, session, is_program):
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

    def _spoil_header(self, sent):
        names = READ if self.random.random() < 0.7 else HEADER_NAMES
        sent.headers[self.random.choice(names)] = self.random.choice(HEADER_TEXTS)

    def _spoil_query(self, sent):
        name = self.random.choice(("q", "next", "x", "", "%ff"))
        texts = (*(escaped(text) for text in TEXTS), *RAW_TEXTS)
        sent.query += f"&{name}={self.random.choice(texts)}"

    def _spoil_path(self, sent):
        at = self.random.randrange(len(sent.path) + 1)
        texts = (*(escaped(text) for text in TEXTS), *RAW_TEXTS, "/", "//")
        sent.path = sent.path[:at] + self.random.choice(texts) + sent.path[at:]

    def _spoil_body(self, sent):
        if self.random.random() < 0.5:
            sent.body = self.random.choice(BODIES)
        else:
            body = bytearray(sent.body or b"{}")
            body[self.random.randrange(len(body))] = self.random.randrange(256)
            sent.body = bytes(body)

    def _spoil_method(self, sent):
        sent.method = self.random.choice(METHODS)

    def _spoil_environ(self, sent):
        sent.environ |= self.random.choice(
            ({"REMOTE_ADDR": None}, {"SERVER_PROTOCOL": "HTTP/1.0"}, {"HTTP_HOST": None})
        )

    def renew(self):
        """Sign in again whoever was signed out by a request that was right."""
        for uid, session in self.sessions.items():
            if uid and not session.is_open():
                self.sessions[uid] = Session(self.portal, uid)


def escaped(text):
    return quote(text, safe="", errors="surrogatepass")


class Session:
    """Somebody's session, or none; its cookie and its token."""

    def __init__(self, portal, uid):
        self.app = portal.app
        self.headers = {"Cookie": f"{SESSION_COOKIE}={portal.cookie(uid)}"} if uid else {}
        self.token = forms(self.page("/"))["/sign-out"][CSRF_TOKEN] if uid else ""

    def page(self, path):
        """A page as HAL."""
        answer = ask(self.app, "GET", f"{path}?q=grace", {"Accept": HAL_FORMS, **self.headers})
        return answer.document if answer.status == 200 and "json" in answer.kind else {}

    def is_open(self):
        return "/sign-out" in forms(self.page("/"))


def forms(document):
    """What each template of a document would send, by its target."""
    found = {
        template["target"]: {one["name"]: one.get("value", "x") for one in template["properties"]}
        for template in document.get("_templates", {}).values()
    }
    for items in document.get("_embedded", {}).values():
        for one in items:
            found |= forms(one)
    return found


def routes(portal):
    """The methods of each pattern."""
    methods = of_views(portal.config.introspector)
    patterns = portal.config.introspector.get_category("routes")
    return {
        route["introspectable"]["pattern"]: sorted(methods[route["introspectable"]["name"]])
        for route in patterns
    }


def valid_parts(portal):
    """A right value for each part of a path."""
    world = portal.world
    page = ask(portal.app, "GET", "/", {"Accept": HTML}).body.decode()
    digest, file = re.search(r"/static/([0-9a-f]+)/([^\"]+)", page).groups()
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


def check(sent, answer):
    """That an answer is no fault of ours and whole."""
    assert answer.status < 500, answer.body
    for name, value in answer.headers:
        assert re.fullmatch(r"[A-Za-z0-9-]+", name)
        assert re.fullmatch(r"[\t\x20-\x7e\x80-\xff]*", value), (name, value)
    names = Counter(name.lower() for name, _ in answer.headers)
    assert set(names.values()) == {1}, names
    assert answer.header("cache-control")
    check_cookies(sent, answer)
    check_location(answer)
    check_body(sent, answer)
    if answer.status >= 400:
        check_error(sent, answer)
    if answer.status != 304:
        assert dict(HEADERS).items() <= dict(answer.headers).items()


def check_cookies(sent, answer):
    may_set = sent.method == "POST" and sent.path.startswith("/sign-") and answer.status == 303
    assert may_set or not answer.header("set-cookie")


def check_location(answer):
    location = answer.header("location")
    if answer.status in (201, 303):
        assert re.match(r"(https?://[\w.:\[\]-]+)?/(?![/\\])", location), location
        assert "evil" not in location.partition("?")[0]
    else:
        assert not location


def check_body(sent, answer):
    if sent.method == "HEAD" or answer.status in (204, 304):
        assert not answer.body
        return
    assert answer.header("content-length") == str(len(answer.body))
    if answer.kind == HTML:
        text = answer.body.decode()
        is_part = answer.status == 401 or sent.path.endswith("/live")
        assert is_part or text.rstrip().endswith("</html>")
        assert SCRIPT not in text
    elif "json" in answer.kind:
        assert isinstance(answer.document, dict)
    elif answer.status == 303:
        assert answer.kind == "text/plain"
    else:
        assert answer.kind in ("text/css", "text/javascript", "image/svg+xml")
    assert b"Traceback" not in answer.body


def check_error(sent, answer):
    assert answer.header("cache-control") == "no-store"
    is_page = best_type(sent.headers.get("Accept", "")) == HTML
    if answer.status == 401 and is_page:
        assert answer.header("hx-redirect")  # a part of a page; its body is not shown
    else:
        assert answer.kind == (HTML if is_page else PROBLEM_JSON)
    if answer.kind == PROBLEM_JSON and answer.body:
        check_problem(answer)
    needed = {
        401: "www-authenticate",
        405: "allow",
        415: "accept-post",
        429: "retry-after",
    }.get(answer.status)
    assert needed is None or answer.header(needed)
    if answer.status == 405:
        assert sent.method not in answer.header("allow").split(", ")


def check_problem(answer):
    document = answer.document
    kind = TYPES[document["type"].removeprefix("/problems/")]
    assert (document["status"], document["title"]) == (answer.status, kind.title)
    assert kind.status == answer.status
    assert document["detail"]
    extension = {412: {"current"}, 422: {"errors"}}.get(answer.status, set())
    assert set(document) - {"type", "title", "status", "detail"} <= extension


@pytest.mark.parametrize("series", SERIES)
def test_hostile_requests(portal, series):
    hostility, statuses, before = Hostility(portal, series), Counter(), theirs(portal)
    for number in range(REQUESTS):
        sent = hostility.request()
        address = f"{sent.path}?{sent.query}" if sent.query else sent.path
        answer = ask(portal.app, sent.method, address, sent.headers, sent.body, **sent.environ)
        try:
            check(sent, answer)
        except Exception as error:
            error.add_note(f"series {series}, number {number}: {sent}\n{answer}")
            raise
        statuses[answer.status] += 1
        if sent.path == "/sign-out":
            hostility.renew()
    assert theirs(portal) == before, "a stranger's appliance was changed"
    # It is no feat to refuse everything at the door.
    assert {200, 204, 303, 400, 401, 403, 404, 405, 415, 422} <= set(statuses), statuses


def theirs(portal):
    with portal.services.database.reading() as session:
        query = select(Appliance.goal, Appliance.label, Appliance.version)
        return session.execute(query.where(Appliance.uuid == portal.world.other_appliance)).one()


def test_there_are_enough_requests_over_every_route(portal):
    assert len(SERIES) * REQUESTS >= 5000
    hostility = Hostility(portal, 0)
    assert len(hostility.routes) >= 25
    submitted = {pattern for pattern, methods in hostility.routes.items() if "POST" in methods}
    paths = {hostility._fill(pattern, hostility.ids.get) for pattern in submitted}
    # Where no form is known the state of the world offers none: the request has a token alone.
    assert len(paths & set(hostility.forms)) >= 8
