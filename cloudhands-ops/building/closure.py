"""Whether a bundle is whole: each wheel's requirements are in it, for every target."""

from collections.abc import Mapping, Sequence

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from building.targets import Target
from building.wheels import Wheel
from cloudhands.common.errors import ConfigurationError


def check(site: str, wheels: Mapping[Target, Sequence[Wheel]]) -> None:
    """Follow the requirements from the site's package, for each target.

    :param site: the distribution that brings everything.
    :raises ConfigurationError: naming who requires what is not there.
    """
    for target, each in wheels.items():
        _check_target(site, target, {wheel.name: wheel for wheel in each})


def _check_target(site: str, target: Target, wheels: Mapping[str, Wheel]) -> None:
    seen: set[tuple[str, str]] = set()
    coming = [(site, "")]
    while coming:
        name, extra = coming.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        wheel = wheels[name]
        _check_python(wheel, target)
        for requirement in wheel.requires:
            if not target.takes(requirement.marker, extra):
                continue
            found = wheels.get(_normal(requirement))
            if found is None or not requirement.specifier.contains(found.version, prereleases=True):
                raise ConfigurationError(_lacking(wheel, requirement, found, target))
            coming += [(found.name, each) for each in ("", *requirement.extras)]


def _check_python(wheel: Wheel, target: Target) -> None:
    # Its last patch release: whoever asks for 3.11.4 has a wheel for 3.11.
    if not wheel.requires_python.contains(f"{target.python}.99"):
        raise ConfigurationError(
            f"{wheel.name} {wheel.version} needs Python {wheel.requires_python}: "
            f"leave out {target.python} with --python"
        )


def _normal(requirement: Requirement) -> str:
    return canonicalize_name(requirement.name)


def _lacking(wheel: Wheel, requirement: Requirement, found: Wheel | None, target: Target) -> str:
    there = f"has {found.version}" if found else "has none"
    return (
        f"{wheel.name} {wheel.version} requires {requirement.name}{requirement.specifier}, and the "
        f"bundle {there} for {target}: name it in requirements/runtime.in and compile the lock"
    )
