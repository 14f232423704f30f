"""Style sheets, scripts and pictures, under names that change with what they hold.

A name is `/static/{digest}/{file}`, the digest over all files together, so that a style sheet may
name another file relative to itself. What a name stands for never changes: browsers and proxies
keep it for a year without asking again.
"""

from pyramid.config import Configurator

from cloudhands.web.pages.static.files import FOLDER, static_path


def includeme(config: Configurator) -> None:
    """Register the route, and `request.file_path` that gives a file its name."""
    config.add_route("static", FOLDER + "/{digest:[0-9a-f]{16}}/{file:.+}")
    config.add_request_method(static_path, "file_path")
    config.scan("cloudhands.web.pages.static")
