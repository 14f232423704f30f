"""sbom.cdx.json: the parts of a bundle in CycloneDX's format, the same bytes on every build."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from uuid import NAMESPACE_URL, UUID, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from building.closure import Edges, Key
from building.content import Content, Package
from cloudhands.ops.bundle import manifest

_LIBRARY = "cyclonedx-python-lib"


def write(content: Content, edges: Edges) -> None:
    """Write the list.

    :param edges: what each package requires, by name and version.
    """
    about = content.manifest
    whole = Component(
        type=ComponentType.APPLICATION,
        name="cloudhands",
        version=about.version,
        bom_ref=about.folder,
        licenses=[LicenseFactory().make_from_string("BSD-3-Clause")],
    )
    parts = {(each.name, each.version): _component(each) for each in content.packages}
    bom = Bom(
        components=parts.values(),
        serial_number=_serial(content),
        metadata=BomMetaData(
            component=whole,
            timestamp=datetime.fromtimestamp(about.epoch, UTC),
            tools=ToolRepository(components=[Component(name=_LIBRARY, version=version(_LIBRARY))]),
        ),
    )
    for key, part in parts.items():
        bom.register_dependency(part, [parts[each] for each in edges.get(key, ())])
    bom.register_dependency(whole, _first(parts, edges))
    text = JsonV1Dot6(bom).output_as_string(indent=1)
    (content.folder / manifest.SBOM).write_text(text + "\n", encoding="utf-8")


def _serial(content: Content) -> UUID:
    """One of its own for other parts: bundles of one version differ in machines and sites."""
    about = content.manifest
    files = (" ".join(file) for each in content.packages for file in each.files())
    return uuid5(NAMESPACE_URL, "\n".join([about.folder, about.revision, *files]))


def _first(parts: Mapping[Key, Component], edges: Edges) -> list[Component]:
    """What no other part requires: the site's package, and pip, which installs it."""
    required = set().union(*edges.values())
    return [part for key, part in parts.items() if key not in required]


def _component(package: Package) -> Component:
    address = PackageURL("pypi", name=package.name, version=str(package.version))
    licence = package.wheels[0].licence
    return Component(
        name=package.name,
        version=str(package.version),
        purl=address,
        bom_ref=str(address),
        description=package.wheels[0].raw.get("summary"),
        licenses=[LicenseFactory().make_from_string(licence)] if licence else (),
        external_references=_references(package),
    )


def _references(package: Package) -> Iterator[ExternalReference]:
    """Where its files lie in the bundle."""
    for path, sha256 in package.files():
        yield ExternalReference(
            type=ExternalReferenceType.DISTRIBUTION,
            url=XsUri(path),
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)],
        )
