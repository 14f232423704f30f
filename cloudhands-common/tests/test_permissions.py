import pytest

from cloudhands.common.errors import Forbidden, NotFound, Unauthenticated
from cloudhands.common.permissions import PERMISSIONS, Role, allowed, require


def test_who_has_a_role_passes():
    for permission, roles in PERMISSIONS.items():
        for role in roles:
            assert allowed(permission, {role})
            require(permission, {role})


def test_nobody_passes_without_a_role():
    for permission in PERMISSIONS:
        assert not allowed(permission, set())
        with pytest.raises((NotFound, Forbidden)):
            require(permission, set())


def test_an_unknown_permission_is_a_fault_of_ours():
    with pytest.raises(KeyError):
        allowed("appliance.fly", {Role.ADMIN})


@pytest.mark.parametrize(
    ("permission", "roles", "refusal"),
    [
        ("appliance.see", {Role.ANONYMOUS}, Unauthenticated),
        ("appliance.see", {Role.PERSON}, NotFound),
        ("appliance.stop", {Role.PERSON}, NotFound),
        ("appliance.stop", {Role.PERSON, Role.MEMBER}, Forbidden),
        ("appliance.launch", {Role.PERSON}, NotFound),
        ("membership.invite", {Role.PERSON, Role.MEMBER}, Forbidden),
        ("membership.see", {Role.PERSON, Role.MEMBER}, NotFound),
        ("membership.accept", {Role.PERSON, Role.ADMIN}, Forbidden),
        ("key.remove", {Role.PERSON, Role.ADMIN}, NotFound),
    ],
)
def test_the_refusal_tells_only_what_may_be_known(permission, roles, refusal):
    with pytest.raises(refusal):
        require(permission, roles)
