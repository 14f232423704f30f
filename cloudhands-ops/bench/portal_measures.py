"""What `portal.py` measures: the servers that it needs, what is asked of them, and the figures.

Three portals serve three worlds that differ in one thing each, so that what they cost is compared
within the same rounds.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import portal_world
from harness import polling, servers
from harness.exchange import ProtocolError, fetch, request
from harness.load import Loader, Target, Unexpected, loading
from harness.polling import Browser, Looks, Schedule
from harness.report import Figure, Figures
from harness.rounds import Plan, Rates, Ratio, interleaved, ratio
from portal_world import Person, Size, World

from cloudhands.common.errors import ConfigurationError
from cloudhands.common.testing.processes import ProcessError
from cloudhands.web.http.cookies import SESSION_COOKIE
from cloudhands.web.http.negotiation import HAL_FORMS, HTML

# As many requests under way as keep nginx busy; the portal gets as many.
PUBLIC_DEPTH = 16
UNMEASURABLE = (Unexpected, ProtocolError, ProcessError, ConfigurationError, OSError)


@dataclass(frozen=True)
class Extent:
    """How much is measured, and how long.

    :param small: the world that the larger ones are compared with.
    :param large: how far history, or the number of organisations, is raised.
    :param browsers: how many poll.
    """

    plan: Plan
    small: Size
    large: Size
    browsers: int
    schedule: Schedule


@dataclass(frozen=True)
class Served:
    """A world and the port of its portal."""

    world: World
    port: int


@dataclass(frozen=True)
class Bench:
    """Everything that runs while figures are taken."""

    loader: Loader
    hello: int
    small: Served
    history: Served
    organisations: Served


def measure(folder: Path, extent: Extent) -> Figures:
    """Every figure, by its key.

    :param folder: an empty one, for databases.
    """
    large = extent.large
    with ExitStack() as stack:

        def serve(name: str, size: Size, browsers: int = 0) -> Served:
            url = f"sqlite:///{folder}/{name}.db"
            world = portal_world.make(folder / name, url, size, browsers)
            return Served(world, stack.enter_context(servers.portal(world.settings_file)))

        bench = Bench(
            loader=stack.enter_context(loading()),
            hello=stack.enter_context(servers.hello()),
            small=serve("small", extent.small),
            history=serve("history", Size(large.touches, extent.small.organisations)),
            organisations=serve(
                "organisations", Size(extent.small.touches, large.organisations), extent.browsers
            ),
        )
        return {
            **_figures(PAGE_KEYS, lambda: _pages(bench, extent.plan)),
            **_figures(PUBLIC_KEYS, lambda: _public(bench, extent.plan, folder)),
            **_figures(
                POLL_KEYS,
                lambda: _polled(bench.organisations.world, extent.schedule, folder / "polled"),
            ),
        }


def _figures(keys: Sequence[str], measured: Callable[[], Figures]) -> Figures:
    try:
        return measured()
    except UNMEASURABLE as error:
        return {key: Figure(None, str(error)) for key in keys}


# --- pages, to hello and to each other -----------------------------------------------------------

PAGE_KEYS = (
    "early_304_of_hello",
    "page_of_hello",
    "json_of_hello",
    "history_ratio",
    "organisations_ratio",
)


def _pages(bench: Bench, plan: Plan) -> Figures:
    targets = {"hello": Target(bench.hello, request("/", {"Accept": HTML}))}
    for name in ("small", "history", "organisations"):
        served: Served = getattr(bench, name)
        world = served.world
        targets[f"304 {name}"] = _unchanged(served, world.administrator.appliance)
        targets[f"list's 304 {name}"] = _unchanged(served, world.organisation)
        targets[f"page {name}"] = _page(served, world.organisation, HTML)
    targets["json small"] = _page(bench.small, bench.small.world.organisation, HAL_FORMS)
    rates = interleaved(bench.loader, targets, plan)
    return {
        "early_304_of_hello": _compared(rates, "304 small", "hello"),
        "page_of_hello": _compared(rates, "page small", "hello"),
        "json_of_hello": _compared(rates, "json small", "hello"),
        "history_ratio": _growth(rates, "history"),
        "organisations_ratio": _growth(rates, "organisations"),
    }


def _page(served: Served, path: str, accept: str) -> Target:
    return Target(served.port, request(path, _headers(served.world.administrator, accept)))


def _unchanged(served: Served, path: str) -> Target:
    """A page for somebody who has it already."""
    headers = _headers(served.world.administrator, HTML)
    head, _ = fetch(served.port, request(path, headers))
    if head.status != 200 or "etag" not in head.headers:
        raise Unexpected(f"{path} answers {head.status} and has no ETag")
    asked = request(path, {**headers, "If-None-Match": head.headers["etag"]})
    return Target(served.port, asked, status=304)


def _headers(person: Person, accept: str) -> Mapping[str, str]:
    return {"Accept": accept, "Cookie": f"{SESSION_COOKIE}={person.cookie}"}


def _compared(rates: Rates, over: str, under: str) -> Figure:
    found = ratio(rates, over, under)
    fastest = f"{max(rates[over]):.0f} of {max(rates[under]):.0f}/s at best"
    return Figure(found.median, f"{_spread(found)}; {fastest}")


def _growth(rates: Rates, larger: str) -> Figure:
    """How many times longer a page, or an early 304, takes; the worst of them."""
    kinds = ("page", "list's 304", "304")
    found = {kind: ratio(rates, f"{kind} small", f"{kind} {larger}") for kind in kinds}
    notes = (f"{kind} {one.median:.3f}, {_spread(one)}" for kind, one in found.items())
    return Figure(max(one.median for one in found.values()), "; ".join(notes))


def _spread(found: Ratio) -> str:
    return f"rounds {found.low:.3g} to {found.high:.3g}"


# --- the public page -----------------------------------------------------------------------------

FRONT_PAGE = request("/", {"Accept": HTML})
PUBLIC_KEYS = ("public_cached_ratio",)


def _public(bench: Bench, plan: Plan, folder: Path) -> Figures:
    page = fetch(bench.small.port, FRONT_PAGE)[1]
    with (
        servers.portal_behind_nginx(bench.small.world.settings_file, folder / "cached") as cached,
        servers.nginx_saying(page, folder / "constant") as constant,
    ):
        ports = {"direct": bench.small.port, "nginx": cached, "constant": constant}
        targets = {name: _front_page(port) for name, port in ports.items()}
        rates = interleaved(bench.loader, targets, plan)
    figure, ceiling = (_compared(rates, name, "direct") for name in ("nginx", "constant"))
    note = f"{figure.note}; the same bytes as a constant of nginx's: {ceiling.value:.0f}"
    return {"public_cached_ratio": Figure(figure.value, note)}


def _front_page(port: int) -> Target:
    """As a visitor sees it, with so many requests under way that nginx is never idle."""
    body = fetch(port, FRONT_PAGE)[1]
    half = PUBLIC_DEPTH * len(body) // 2
    return Target(port, FRONT_PAGE, depth=PUBLIC_DEPTH, wake_bytes=half)


# --- polling -------------------------------------------------------------------------------------

POLL_KEYS = ("poll_errors", "poll_p99_ms")


def _polled(world: World, schedule: Schedule, folder: Path) -> Figures:
    """Through nginx, which keeps everybody's connection; to one `cloud-serve`."""
    browsers = [Browser(one.appliance, _headers(one, HTML)) for one in world.browsers]
    with servers.portal_behind_nginx(world.settings_file, folder) as port:
        looks = polling.poll(port, browsers, schedule)
    return {"poll_errors": _errors(looks), "poll_p99_ms": _latency(looks)}


def _errors(looks: Looks) -> Figure:
    kinds = ", ".join(f"{count} {what}" for what, count in looks.errors.items()) or "none"
    return Figure(looks.errors.total(), f"of {len(looks.times)} looks: {kinds}")


def _latency(looks: Looks) -> Figure:
    note = (
        f"median {looks.percentile(50) * 1000:.1f}, worst {looks.percentile(100) * 1000:.0f} ms, "
        f"from when each was due; {looks.unchanged / max(1, len(looks.times)):.0%} were 304"
    )
    return Figure(looks.percentile(99) * 1000, note)
