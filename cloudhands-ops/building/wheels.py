"""What a wheel says of itself."""

import configparser
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.metadata import RawMetadata, parse_email
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, parse_tag
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from building import vendor
from cloudhands.common.errors import ConfigurationError

_CLASSIFIER = "License :: "
_TAG = re.compile(r"^Tag: *(\S+)", re.MULTILINE)
_METADATA = re.compile(r"[^/]+\.dist-info/METADATA")


@dataclass(frozen=True)
class Wheel:
    """One wheel of a bundle.

    :param name: normalised.
    :param raw: its core metadata.
    :param licences: the names of the files in it that bear its licence.
    """

    file: Path
    sha256: str
    name: str
    version: Version
    raw: RawMetadata
    licences: Sequence[str]
    entry_points: str

    @property
    def requires(self) -> list[Requirement]:
        """What it requires, for every target."""
        return [Requirement(each) for each in self.raw.get("requires_dist", [])]

    @property
    def requires_python(self) -> SpecifierSet:
        """The Pythons that it runs on."""
        return SpecifierSet(self.raw.get("requires_python", ""))

    @property
    def licence(self) -> str:
        """Its licence in the fewest words that it states: an SPDX expression, if it has one."""
        if expression := self.raw.get("license_expression"):
            return expression
        stated = self.raw.get("license", "").strip()
        try:
            return canonicalize_license_expression(stated)
        except InvalidLicenseExpression:
            pass
        classified = [
            each.rsplit(" :: ", 1)[-1]
            for each in self.raw.get("classifiers", [])
            if each.startswith(_CLASSIFIER) and not each.endswith(":: OSI Approved")
        ]
        if classified:
            return ", ".join(sorted(classified))
        # Some put the whole text there.
        return stated.splitlines()[0].strip() if stated else ""

    @property
    def home(self) -> str:
        """Where people learn more of it; empty if it does not say."""
        addresses = {key.lower(): url for key, url in self.raw.get("project_urls", {}).items()}
        for key in ("homepage", "home", "source", "repository", "source code", "documentation"):
            if key in addresses:
                return addresses[key]
        return self.raw.get("home_page", "")

    def offers(self, group: str) -> list[str]:
        """The names of its entry points of a group."""
        parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
        parser.optionxform = str  # type: ignore[assignment, method-assign]
        parser.read_string(self.entry_points)
        return list(parser[group]) if parser.has_section(group) else []


def read(file: Path, sha256: str = "") -> Wheel:
    """What a wheel says of itself.

    :param sha256: its hash, where it is known already.
    :raises ConfigurationError: if it is no wheel, or named as another.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            # Those of the wheel itself: setuptools carries others of its own, deeper in.
            (metadata,) = [name for name in names if _METADATA.fullmatch(name)]
            folder = metadata.removesuffix("METADATA")
            raw, _ = parse_email(archive.read(metadata))
            points = folder + "entry_points.txt"
            entry_points = archive.read(points).decode() if points in names else ""
            tags = _tags(archive.read(folder + "WHEEL").decode())
            name, version = canonicalize_name(raw["name"]), Version(raw["version"])
    except (zipfile.BadZipFile, KeyError, ValueError):
        raise ConfigurationError(f"{file} is no wheel") from None
    _check_name(file, (name, version, tags))
    licences = [
        name.removeprefix(folder)
        for name in sorted(names)
        if name.startswith(folder)
        and not name.endswith("/")
        and any(word in name.upper() for word in ("LICEN", "COPYING", "NOTICE", "COPYRIGHT"))
    ]
    return Wheel(
        file=file,
        sha256=sha256 or vendor.sha256(file),
        name=name,
        version=version,
        raw=raw,
        licences=licences,
        entry_points=entry_points,
    )


def _tags(text: str) -> frozenset[Tag]:
    return frozenset(tag for each in _TAG.findall(text) for tag in parse_tag(each))


def _check_name(file: Path, inside: tuple[str, Version, frozenset[Tag]]) -> None:
    """Hosts go by the name alone, before they look into the file."""
    try:
        name, version, _, tags = parse_wheel_filename(file.name)
    except ValueError:
        name, version, tags = canonicalize_name(""), inside[1], frozenset()
    if (name, version, tags) != inside:
        raise ConfigurationError(
            f"{file} was renamed: it is {inside[0]} {inside[1]}; give it back the name it had"
        )
