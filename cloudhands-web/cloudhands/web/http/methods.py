"""Which methods a page has: 405 with `Allow` for the others, and the answer to OPTIONS.

It is decided by the route's pattern alone, before anything of the path is looked up: neither 405
nor OPTIONS tells whether the thing exists, or whose it is.
"""

from collections.abc import Iterable, Mapping

from pyramid.config import Configurator
from pyramid.events import ApplicationCreated
from pyramid.httpexceptions import HTTPMethodNotAllowed, HTTPNoContent
from pyramid.registry import Introspector
from pyramid.request import Request

Methods = frozenset[str]


def check(request: Request) -> None:
    """Let a request pass if its method is one of the page's, or may be where there is no page.

    :raises HTTPNoContent: for OPTIONS (RFC 9110, 9.3.7).
    :raises HTTPMethodNotAllowed: for a method that the page does not have, or no page has: TRACE.
    """
    route = request.matched_route
    everywhere: Methods = request.registry.methods_of_the_portal
    allowed = request.registry.methods.get(route.name, everywhere) if route else everywhere
    if request.method not in allowed:
        raise HTTPMethodNotAllowed("This page cannot be asked that.", headers=_allow(allowed))
    if request.method == "OPTIONS" and (route or request.environ["PATH_INFO"] == "*"):
        raise HTTPNoContent(headers=_allow(allowed), cache_control="no-store")


def _allow(methods: Methods) -> dict[str, str]:
    return {"Allow": ", ".join(sorted(methods))}


def of_views(introspector: Introspector) -> Mapping[str, Methods]:
    """The methods of each route by its name, as its views were registered."""
    found: dict[str, Methods] = {}
    for entry in introspector.get_category("views"):
        view = entry["introspectable"]
        if view["route_name"] is not None:
            methods = _methods(view["request_methods"])
            found[view["route_name"]] = found.get(view["route_name"], frozenset()) | methods
    return found


def _methods(declared: str | Iterable[str] | None) -> Methods:
    # A view that names none is a page; who may GET may HEAD.
    named = {declared} if isinstance(declared, str) else set(declared or {"GET"})
    return frozenset(named | {"OPTIONS"} | ({"HEAD"} if "GET" in named else set()))


def _learn(event: ApplicationCreated) -> None:
    registry = event.app.registry
    registry.methods = of_views(registry.introspector)
    registry.methods_of_the_portal = frozenset().union(*registry.methods.values())


def includeme(config: Configurator) -> None:
    """Look at all views once they are registered."""
    config.add_subscriber(_learn, ApplicationCreated)
