"""Whether a bundle is whole: each wheel's requirements are in it, for every target."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from building.targets import Target, best
from building.wheels import Wheel
from cloudhands.common.errors import ConfigurationError

Key = tuple[str, Version]
Edges = Mapping[Key, set[Key]]


def follow(
    site: str, wheels: Mapping[Target, Sequence[Wheel]], ours: Collection[str] = ()
) -> Edges:
    """Follow the requirements from the site's package, for each target.

    :param site: the distribution that brings everything.
    :param ours: the distributions that it has to bring.
    :returns: what each package requires, by name and version, on any target.
    :raises ConfigurationError: naming who requires what is not there, or what the site lacks.
    """
    edges: defaultdict[Key, set[Key]] = defaultdict(set)
    for target, each in wheels.items():
        brought = _follow(site, target, _by_name(site, each), edges)
        if lacking := sorted(set(ours) - brought):
            raise ConfigurationError(
                f"{site} does not bring {', '.join(lacking)}: its dependencies have to name them, "
                "or cloudhands-ops, which brings the others"
            )
    return edges


def _by_name(site: str, wheels: Sequence[Wheel]) -> Mapping[str, Wheel]:
    # Another may be there twice, where its version depends on Python's patch release.
    if sum(wheel.name == site for wheel in wheels) > 1:
        raise ConfigurationError(
            f"{site}, the site package, is named as a package of requirements/bundle.txt: rename it"
        )
    return {wheel.name: wheel for wheel in wheels}


def _follow(
    site: str, target: Target, wheels: Mapping[str, Wheel], edges: defaultdict[Key, set[Key]]
) -> set[str]:
    """Follow them for one target; returns the names of what is brought."""
    seen: set[tuple[str, str]] = set()
    coming = [(site, "")]
    while coming:
        name, extra = coming.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        wheel = wheels[name]
        _check_target(wheel, target)
        for requirement in wheel.requires:
            if target.takes(requirement.marker, extra):
                found = _found(wheel, requirement, wheels, target)
                edges[wheel.name, wheel.version].add((found.name, found.version))
                coming += [(found.name, each) for each in ("", *requirement.extras)]
    return {name for name, _ in seen}


def _check_target(wheel: Wheel, target: Target) -> None:
    if best(target, [wheel.file.name]) is None:
        raise ConfigurationError(f"{wheel.file.name} is not for {target}")
    # Its last patch release: whoever asks for 3.11.4 has a wheel for 3.11.
    if not wheel.requires_python.contains(f"{target.python}.99"):
        raise ConfigurationError(
            f"{wheel.name} {wheel.version} needs Python {wheel.requires_python}: "
            f"leave out {target.python} with --python"
        )


def _found(
    wheel: Wheel, requirement: Requirement, wheels: Mapping[str, Wheel], target: Target
) -> Wheel:
    who = f"{wheel.name} {wheel.version} requires {requirement.name}"
    if requirement.url:
        raise ConfigurationError(f"{who} from {requirement.url}: require a version of it")
    found = wheels.get(canonicalize_name(requirement.name))
    if found is None:
        raise ConfigurationError(
            f"{who}{requirement.specifier}, and the bundle has none for {target}: "
            "name it in requirements/runtime.in and run requirements/compile.sh"
        )
    if not requirement.specifier.contains(found.version, prereleases=True):
        raise ConfigurationError(
            f"{who}{requirement.specifier}, and the bundle has {found.version} for {target}: "
            "require that one"
        )
    return found
