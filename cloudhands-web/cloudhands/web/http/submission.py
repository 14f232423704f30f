"""From what somebody submitted to a command's input, and back to the form when it is refused."""

from collections.abc import Mapping
from dataclasses import replace

from pyramid.response import Response

from cloudhands.common.errors import InvalidInput, Outdated
from cloudhands.common.forms import FormT, parse
from cloudhands.web.http import fields, hal
from cloudhands.web.http.negotiation import render_html, wants_json
from cloudhands.web.http.problems import answer, of_refusal
from cloudhands.web.representation import Representation
from cloudhands.web.request import PortalRequest
from cloudhands.web.security import csrf


def submitted(request: PortalRequest, form: type[FormT]) -> FormT:
    """The body as a command's input.

    :raises InvalidInput: with a sentence for each wrong field.
    """
    return parse(form, typed(request))


def typed(request: PortalRequest) -> Mapping[str, str]:
    """The fields of the body that are not the portal's own."""
    return {name: v for name, v in request.body_values.items() if name not in fields.OURS}


def reject(
    request: PortalRequest,
    template: str,
    page: Representation,
    key: str,
    error: InvalidInput | Outdated,
) -> Response:
    """The page again with what was typed and what is wrong with it; a program gets a problem.

    :param page: as it is now; whoever was outdated sees it beside what they typed.
    :param key: the option that was used.
    """
    problem = of_refusal(error)
    if wants_json(request):
        if isinstance(error, Outdated):
            current = hal.render(page, csrf.token(request))
            problem = replace(problem, members={"current": current})
        return answer(request, problem)
    if key not in page.options:  # it has been done or undone meanwhile
        return answer(request, problem)
    wrong = error.fields if isinstance(error, InvalidInput) else {"": str(error)}
    shown = page.with_errors(key, _without_passwords(page, key, request), wrong)
    response = Response(text=render_html(request, template, shown), status=problem.status)
    response.cache_control = "no-store"
    return response


def _without_passwords(page: Representation, key: str, request: PortalRequest) -> dict[str, str]:
    secret = {field.name for field in page.options[key].fields if field.type == "password"}
    return {name: v for name, v in typed(request).items() if name not in secret}
