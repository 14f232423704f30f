"""The front page's representation."""

from cloudhands.common.membership.queries import invitations_of
from cloudhands.common.organisation.queries import of_user
from cloudhands.web.pages.invitation.representation import of_invitation
from cloudhands.web.pages.session.forms import sign_in_option, sign_out_option
from cloudhands.web.representation import Link, Representation, options
from cloudhands.web.request import PortalRequest


def of_visitor(request: PortalRequest, wanted: str = "") -> Representation:
    """For somebody who is not signed in.

    :param wanted: the path to go to after signing in.
    """
    site = request.services.site
    return Representation(
        title=site.title,
        info={"strapline": site.strapline, "support": site.support},
        nav=[Link("self", request.route_path("front"), site.title)],
        options=options(sign_in_option(request, wanted)),
    )


def of_person(request: PortalRequest) -> Representation:
    """For somebody who is signed in."""
    site = request.services.site
    people = request.route_path("people") + "{?q}"
    organisations = [
        Link(
            "ch:organisation", request.route_path("organisation", organisation=row.uuid), row.title
        )
        for row in of_user(request.db, request.viewer)
    ]
    return Representation(
        title=site.title,
        info={"strapline": site.strapline, "support": site.support, "name": request.signed_in.name},
        nav=[
            Link("self", request.route_path("front"), site.title),
            Link("ch:account", request.route_path("account"), "Account"),
            Link("ch:people", people, "People", templated=True),
            *organisations,
        ],
        items={
            "ch:invitations": [
                of_invitation(request, row) for row in invitations_of(request.db, request.viewer)
            ]
        },
        options=options(sign_out_option(request)),
    )
