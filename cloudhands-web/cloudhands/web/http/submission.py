"""From what somebody submitted to a command's input, and back to the form when it is wrong."""

from pyramid.request import Request
from pyramid.response import Response

from cloudhands.common.errors import InvalidInput
from cloudhands.common.forms import FormT, parse
from cloudhands.web.http.negotiation import render_html, wants_json
from cloudhands.web.http.problems import answer, of_refusal
from cloudhands.web.representation import Representation
from cloudhands.web.security.csrf import FIELD

UNPROCESSABLE = 422


def submitted(request: Request, form: type[FormT]) -> FormT:
    """The body as a command's input.

    :raises InvalidInput: with a sentence for each wrong field.
    """
    return parse(form, {name: v for name, v in request.body_values.items() if name != FIELD})


def reject(
    request: Request, template: str, page: Representation, key: str, error: InvalidInput
) -> Response:
    """The page again with what was typed and what is wrong with it; a program gets a problem.

    :param key: the option that was used.
    """
    if wants_json(request):
        return answer(request, of_refusal(error))
    shown = page.with_errors(key, _without_passwords(page, key, request), error.fields)
    response = Response(text=render_html(request, template, shown), status=UNPROCESSABLE)
    response.cache_control = "no-store"
    return response


def _without_passwords(page: Representation, key: str, request: Request) -> dict[str, str]:
    secret = {field.name for field in page.options[key].fields if field.type == "password"}
    return {name: v for name, v in request.body_values.items() if name not in secret}
