"""The view of the site's colours."""

from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config

from cloudhands.web.security.scopes import Scope


@view_config(route_name="theme", request_method="GET", permission="static.see")
def theme(scope: Scope, request: Request) -> Response:
    """The accent colours for light and dark, set where Pico CSS reads them."""
    accent = request.services.site.accent
    light = _rules(accent.get("light"), text="#fff")
    dark = _rules(accent.get("dark"), text="#10151c")
    css = (
        f":root:not([data-theme=dark]) {{{light}}}\n"
        f"@media (prefers-color-scheme: dark) {{ :root:not([data-theme]) {{{dark}}} }}\n"
    )
    response = Response(text=css, content_type="text/css")
    response.cache_control = "public, max-age=3600"
    return response


def _rules(colour: str | None, text: str) -> str:
    if colour is None:
        return ""
    names = (
        "primary",
        "primary-background",
        "primary-border",
        "primary-hover",
        "primary-hover-background",
        "primary-hover-border",
    )
    rules = [f"--pico-{name}: {colour};" for name in names]
    return " ".join([*rules, f"--pico-primary-inverse: {text};"])
