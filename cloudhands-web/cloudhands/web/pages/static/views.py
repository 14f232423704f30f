"""The view of static files."""

from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config

from cloudhands.web.pages.static.files import media_type, of_request
from cloudhands.web.security.scopes import Scope

FOREVER = "public, max-age=31536000, immutable"


@view_config(route_name="static", request_method="GET", permission="static.see")
def show(scope: Scope, request: Request) -> Response:
    """A file.

    While a deployment goes on, processes of two releases serve side by side: one is asked for the
    other's name. It answers with its own file, so that no page stands without its looks, and
    forbids to keep it: under that name it would be wrong for a year.
    """
    files, name = of_request(request), request.matchdict["file"]
    content = files.contents.get(name)
    if content is None:
        raise HTTPNotFound
    if request.matchdict["digest"] != files.digest:
        return _file(name, content, "no-store")
    if files.digest in request.if_none_match:
        return Response(status=304, etag=files.digest, cache_control=FOREVER)
    return _file(name, content, FOREVER, etag=files.digest)


def _file(name: str, content: bytes, kept: str, etag: str | None = None) -> Response:
    kind = media_type(name)
    return Response(body=content, content_type=kind, charset="utf-8", cache_control=kept, etag=etag)
