"""Which of two releases is the newer one, by their versions (PEP 440, as far as ours go)."""

import re

from cloudhands.common.errors import BundleError

_VERSION = re.compile(
    r"(?P<release>\d+(?:\.\d+)*)"
    r"(?:(?P<stage>a|b|rc)(?P<number>\d+))?"
    r"(?:\.post(?P<post>\d+))?"
    r"(?:\.dev(?P<dev>\d+))?"
    r"(?:\+(?P<local>[0-9A-Za-z.]+))?"
)
_STAGES = {"a": 0, "b": 1, "rc": 2, None: 3}
# Before every stage of the same release: what was built on the way to it.
_DEVELOPED = -1

Key = tuple[tuple[int, ...], int, int, int, float]


def key(version: str) -> Key:
    """What versions are sorted by. What follows a plus sign says nothing of the order.

    :raises BundleError: if it is not a version of ours.
    """
    found = _VERSION.fullmatch(version)
    if found is None:
        raise BundleError(f"{version!r} is not a version that releases can be sorted by")
    numbers = [int(number) for number in found["release"].split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    stage = _STAGES[found["stage"]]
    if found["dev"] and not found["stage"] and not found["post"]:
        stage = _DEVELOPED
    post = int(found["post"]) if found["post"] else -1
    dev = int(found["dev"]) if found["dev"] else float("inf")
    return tuple(numbers), stage, int(found["number"] or 0), post, dev


def is_one(text: str) -> bool:
    """Whether it is a version of ours."""
    return _VERSION.fullmatch(text) is not None


def is_newer(version: str, other: str) -> bool:
    """Whether a version is a newer one than another.

    :raises BundleError: if one of them is not a version of ours.
    """
    return key(version) > key(other)
