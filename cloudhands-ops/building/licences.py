"""LICENCES.txt: under which licence each package in the bundle is, and where its text is."""

from collections.abc import Iterator

from building.content import Content, Package
from cloudhands.ops.bundle import manifest

NOT_STATED = "not stated"
_HEAD = """\
The licences of what cloudhands {version} installs, as each package states its own. The texts are
in the wheels, under the names given here.

"""
# Files of others in our own wheels: they are in no lock.
_WITHIN = """
Within cloudhands-web: htmx (0BSD), idiomorph (0BSD); their texts lie beside them.
"""


def write(content: Content) -> None:
    """Write the list."""
    head = _HEAD.format(version=content.manifest.version)
    text = head + "".join(_lines(content)) + _WITHIN
    (content.folder / manifest.LICENCES).write_text(text, encoding="utf-8")


def unstated(content: Content) -> list[str]:
    """The packages that state no licence: somebody has to look at them."""
    return [f"{each.name} {each.version}" for each in content.packages if not _licence(each)]


def _lines(content: Content) -> Iterator[str]:
    for package in content.packages:
        wheel = package.wheels[0]
        yield f"{package.name} {package.version}: {_licence(package) or NOT_STATED}\n"
        if wheel.home:
            yield f"    {wheel.home}\n"
        yield f"    {', '.join(wheel.licences) or 'no text in its wheel'}\n"


def _licence(package: Package) -> str:
    return package.wheels[0].licence
