"""Every route, asked by everybody, against the permission table."""

from typing import Any, cast

import pytest

from cloudhands.common.permissions import PERMISSIONS, Role
from cloudhands.web.app import configure

R = Role
# What each viewer is towards the things of `cloudhands.web.testing.World`.
VIEWERS: dict[str, frozenset[Role]] = {
    "": frozenset({R.ANONYMOUS}),
    "stranger": frozenset({R.PERSON}),
    "admin": frozenset({R.PERSON, R.ADMIN}),
    "invitee": frozenset({R.PERSON}),
    "member": frozenset({R.PERSON, R.MEMBER}),
}
# What they are besides towards one thing of their own.
OWN = {
    ("member", "appliance"): R.OWNER,
    ("member", "key"): R.SELF,
    ("invitee", "membership"): R.SELF,
}
# Whoever may see this learns that something exists, and is answered 403 instead of 404.
SEEN = {
    "membership.invite": "organisation.see",
    "appliance.launch": "organisation.see",
    "appliance.start": "appliance.see",
    "appliance.stop": "appliance.see",
    "appliance.reboot": "appliance.see",
    "appliance.resize": "appliance.see",
    "appliance.delete": "appliance.see",
    "appliance.retry": "appliance.see",
    "appliance.approve": "appliance.see",
    "appliance.extend": "appliance.see",
    "membership.accept": "membership.see",
    "membership.set-role": "membership.see",
    "membership.withdraw": "membership.see",
    "membership.edit": "membership.see",
    "appliance.rename": "appliance.see",
    "key.remove": "key.see",
}


def routes() -> list[tuple[str, str, str, str]]:
    """Name, pattern, method and permission of every view that a route leads to."""
    introspector = configure(cast(Any, None)).introspector
    patterns = {
        entry["introspectable"]["name"]: entry["introspectable"]["pattern"]
        for entry in introspector.get_category("routes")
    }
    found = []
    for entry in introspector.get_category("views"):
        view = entry["introspectable"]
        if view["route_name"] is None:
            continue
        permission = next(
            (other["value"] for other in entry["related"] if other.category_name == "permissions"),
            None,
        )
        name = view["route_name"]
        found.append((name, patterns[name], view["request_methods"] or "GET", permission))
    return sorted(found, key=lambda route: (route[0], str(route[2])))


ROUTES = routes()


def test_every_route_has_a_permission_of_the_table() -> None:
    assert len(ROUTES) >= 18
    for name, _, _, permission in ROUTES:
        assert permission in PERMISSIONS, name


def roles(uid: str, permission: str) -> frozenset[Role]:
    own = OWN.get((uid, permission.partition(".")[0]))
    return VIEWERS[uid] | ({own} if own else set())


def refusal(uid: str, permission: str) -> int | None:
    """The status that the table asks for; None where the viewer is let in."""
    held = roles(uid, permission)
    if PERMISSIONS[permission] & held:
        return None
    if not uid:
        return 401
    seen = SEEN.get(permission)
    return 403 if seen and PERMISSIONS[seen] & held else 404


@pytest.mark.parametrize(
    ("name", "pattern", "method", "permission"),
    [route for route in ROUTES if route[0] != "static"],  # `test_static` asks for each file
    ids=lambda value: str(value),
)
def test_route_against_the_table(portal, name, pattern, method, permission):  # type: ignore[no-untyped-def]
    world = portal.world
    path = pattern.format(
        organisation=world.organisation,
        item=world.item,
        appliance=world.appliance,
        membership=world.invitation,
        key=world.key,
        rel="account",
        problem="not-found",
    )
    for uid in VIEWERS:
        client = portal.client(uid)
        body = {"csrf_token": client.token()} if method == "POST" else None
        answer = client.request(method, path, json=body)
        wanted = refusal(uid, permission)
        if wanted is None:
            assert answer.status_code not in (401, 403, 404), (uid, answer.text)
            assert answer.status_code < 500, (uid, answer.text)
        else:
            assert answer.status_code == wanted, (uid, answer.text)
            assert answer.headers["content-type"].startswith("application/problem+json")


def test_the_other_organisations_things_are_not_there(portal):  # type: ignore[no-untyped-def]
    world = portal.world
    for path in (
        f"/organisations/{world.other_organisation}",
        f"/organisations/{world.other_organisation}/catalogue",
        f"/organisations/{world.other_organisation}/people?q=grace",
        f"/appliances/{world.other_appliance}",
    ):
        missing = path.replace(str(world.other_organisation), str(world.appliance)).replace(
            str(world.other_appliance), str(world.organisation)
        )
        theirs, nowhere = portal.client("admin").get(path), portal.client("admin").get(missing)
        assert theirs.status_code == nowhere.status_code == 404
        assert theirs.text == nowhere.text
