"""Whether a bundle is whole: each wheel's requirements are in it, for every target."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from building.targets import Target
from building.wheels import Wheel
from cloudhands.common.errors import ConfigurationError

Key = tuple[str, Version]
Edges = Mapping[Key, set[Key]]


def follow(site: str, wheels: Mapping[Target, Sequence[Wheel]]) -> Edges:
    """Follow the requirements from the site's package, for each target.

    :param site: the distribution that brings everything.
    :returns: what each package requires, by name and version, on any target.
    :raises ConfigurationError: naming who requires what is not there.
    """
    edges: defaultdict[Key, set[Key]] = defaultdict(set)
    for target, each in wheels.items():
        _follow(site, target, {wheel.name: wheel for wheel in each}, edges)
    return edges


def _follow(
    site: str, target: Target, wheels: Mapping[str, Wheel], edges: defaultdict[Key, set[Key]]
) -> None:
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
            if target.takes(requirement.marker, extra):
                found = _found(wheel, requirement, wheels, target)
                edges[wheel.name, wheel.version].add((found.name, found.version))
                coming += [(found.name, each) for each in ("", *requirement.extras)]


def _check_python(wheel: Wheel, target: Target) -> None:
    # Its last patch release: whoever asks for 3.11.4 has a wheel for 3.11.
    if not wheel.requires_python.contains(f"{target.python}.99"):
        raise ConfigurationError(
            f"{wheel.name} {wheel.version} needs Python {wheel.requires_python}: "
            f"leave out {target.python} with --python"
        )


def _found(
    wheel: Wheel, requirement: Requirement, wheels: Mapping[str, Wheel], target: Target
) -> Wheel:
    found = wheels.get(canonicalize_name(requirement.name))
    if found and requirement.specifier.contains(found.version, prereleases=True):
        return found
    raise ConfigurationError(
        f"{wheel.name} {wheel.version} requires {requirement.name}{requirement.specifier}, and the "
        f"bundle has {found.version if found else 'none'} for {target}: "
        "name it in requirements/runtime.in and run requirements/compile.sh"
    )
