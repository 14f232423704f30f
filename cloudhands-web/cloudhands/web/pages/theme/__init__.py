"""The site's colours, as a style sheet."""

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    """Register the style sheet and the static files."""
    config.add_route("theme", "/theme.css")
    config.add_static_view("static", "cloudhands.web:static", cache_max_age=3600)
    config.scan("cloudhands.web.pages.theme")
