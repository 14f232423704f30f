import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import cloudhands.common.permissions
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


# Steps of other commands, which have asked already.
STEPS = {"user_of_person"}


def commands() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every public function that somebody asks for: those with an `actor`, and those of a user."""
    for file in sorted(Path(cloudhands.common.permissions.__file__).parent.glob("*/*.py")):
        if file.parent.name in ("history", "testing") or file.name == "queries.py":
            continue
        for one in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(one, ast.FunctionDef) and not one.name.startswith("_"):
                names = [argument.arg for argument in one.args.args]
                if names[:1] == ["session"] and "actor" in names:
                    yield f"{file.parent.name}.{one.name}", one


def test_every_command_asks_who_may():
    found = dict(commands())
    assert len(found) > 15
    asks = {
        name
        for name, function in found.items()
        if any(
            isinstance(call, ast.Call) and ast.unparse(call.func).endswith("require")
            for call in ast.walk(function)
        )
    }
    assert {name.partition(".")[2] for name in found.keys() - asks} == STEPS
