"""What a cloud's answer means for a subscription: pure.

Refused credentials and a cloud that has none of the images, or none of the sizes, make it useless.
Where some are missing the rest can be launched, so that is told and keeps nobody from it. A
cloud that does not answer says nothing of the subscription: that is the provider's trouble.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cloudhands.common.catalogue.queries import Named
from cloudhands.common.cloud import Standing

# By its state and whether it can be used, the states that it is moved through.
STEPS: Mapping[tuple[str, bool], Sequence[str]] = {
    ("unchecked", True): ("active",),
    ("unchecked", False): ("maintenance",),
    ("active", True): (),
    ("active", False): ("maintenance",),
    ("maintenance", True): ("unchecked", "active"),
    ("maintenance", False): (),
}
# Of more the operator reads the first ones only.
SHOWN = 5


@dataclass(frozen=True)
class Verdict:
    """Whether a subscription can be used.

    :param problem: what is wrong or missing, in plain words; empty if nothing is.
    """

    usable: bool
    problem: str = ""


def judge(named: Named, standing: Standing) -> Verdict:
    """What a cloud's standing means.

    :param named: what the catalogue names there.
    """
    missing = {
        "image": set(named.images) & set(standing.missing_images),
        "size": set(named.sizes) & set(standing.missing_sizes),
    }
    for what, wanted in (("image", named.images), ("size", named.sizes)):
        if wanted and missing[what] == wanted:
            every = f"it has none of the {what}s that the catalogue names there"
            return Verdict(False, f"{every}: {_listed(wanted)}")
    lacks = [f"the {what} {_listed(names)}" for what, names in missing.items() if names]
    return Verdict(True, f"it lacks {' and '.join(lacks)}" if lacks else "")


def _listed(names: Collection[str]) -> str:
    first = ", ".join(repr(name) for name in sorted(names)[:SHOWN])
    return f"{first} and {len(names) - SHOWN} more" if len(names) > SHOWN else first
