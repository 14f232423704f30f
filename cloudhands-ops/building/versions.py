"""The version of what is built: the tag's, or one between tags that sorts by time."""

import re
from pathlib import Path

from packaging.version import InvalidVersion, Version

from building.revision import Revision, git
from cloudhands.common.errors import ConfigurationError

_DIGITS = 12  # of a commit


def version_of(root: Path, revision: Revision, written: str) -> str:
    """The version of a revision.

    :param written: what the file VERSION says: the tag's version, or the next one's.
    :raises ConfigurationError: if VERSION and the tag contradict each other.
    """
    try:
        wanted = Version(written)
    except InvalidVersion:
        raise ConfigurationError(f"VERSION says {written!r}, which is no version") from None
    tagged, since = _tag(root, revision, wanted)
    if tagged is not None and since == 0 and not revision.dirty:
        if tagged != wanted:
            raise ConfigurationError(
                f"the tag v{tagged} is on this commit, and VERSION says {wanted}: make them agree"
            )
        return str(tagged)
    if tagged is not None and wanted < tagged:
        raise ConfigurationError(
            f"VERSION says {wanted}, and v{tagged} was released before: write the next version"
        )
    coming = _after(wanted) if wanted == tagged else str(wanted)
    dirty = f".dirty.t{revision.tree[:8]}" if revision.dirty else ""
    return f"{coming}.dev{since}+g{revision.commit[:_DIGITS]}{dirty}"


def _tag(root: Path, revision: Revision, wanted: Version) -> tuple[Version | None, int]:
    """The newest version that was tagged at or before it, and how many commits came since.

    :param wanted: which of several tags on the same commit counts: a candidate becomes the release.
    """
    if git(root, "rev-parse", "--is-shallow-repository") == "true":
        raise ConfigurationError(
            "this clone has not the whole history, and the version counts commits: "
            "git fetch --unshallow --tags"
        )
    if not git(root, "tag", "--list", "v[0-9]*", "--merged", revision.commit):
        return None, int(git(root, "rev-list", "--count", revision.commit))
    here = git(root, "tag", "--list", "v[0-9]*", "--points-at", revision.commit).split()
    if any(_is(name, wanted) for name in here):
        return wanted, 0
    described = git(root, "describe", "--tags", "--long", "--match", "v[0-9]*", revision.commit)
    name, since, _ = described.rsplit("-", 2)
    try:
        return Version(name), int(since)
    except InvalidVersion:
        raise ConfigurationError(f"the tag {name} names no version: delete or rename it") from None


def _is(name: str, wanted: Version) -> bool:
    try:
        return Version(name) == wanted
    except InvalidVersion:
        return False


def _after(version: Version) -> str:
    """The version whose last number is one higher: 1.2.1 after 1.2.0, 1.3.0rc2 after 1.3.0rc1."""
    return re.sub(r"\d+$", lambda number: str(int(number[0]) + 1), str(version))
