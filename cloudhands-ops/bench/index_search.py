"""What `index.py` measures of the search: how long it takes, and whether it finds who is meant.

The same queries are asked of an index of so many people, of a larger one and of Whoosh, in the same
rounds and in this process.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.report import Figure, Figures
from harness.rounds import rotated
from harness.warming import warm
from index_queries import ONE_TYPO, PREFIX, TWO_TYPOS, UID, WORDS, Asked, Mix, mix
from index_world import entries, indexed, people

from cloudhands.web.index.people import People

try:
    from index_whoosh import Whoosh
except ImportError:
    Whoosh = None  # type: ignore[assignment, misc]

OURS, LARGE, PEER = "ours", "large", "Whoosh"
FIRST = 5
KEYS = (
    "search_p50_ms",
    "search_p99_ms",
    "whoosh_ratio",
    "million_p99_ratio",
    "recall_exact",
    "recall_one_typo",
    "recall_two_typos",
)

Search = Callable[[str], object]
Times = Sequence[float]


@dataclass(frozen=True)
class Extent:
    """How much is searched, and how often.

    :param people: in the index.
    :param large: in the larger one.
    :param each: queries of each kind.
    :param rounds: how often all of them are asked.
    """

    people: int
    large: int
    each: int
    rounds: int


def measure(folder: Path, extent: Extent) -> Figures:
    """Every figure of the search, by its key.

    :param folder: for the indexes.
    """
    ours = indexed(folder / OURS, extent.people)
    large = indexed(folder / LARGE, extent.large)
    searches: dict[str, Search] = {OURS: ours.search, LARGE: large.search}
    if Whoosh is not None:
        searches[PEER] = Whoosh(folder / PEER, entries(extent.people)).search
    asked = mix(people(extent.people), extent.each)
    rounds = _rounds(folder, searches, asked, extent.rounds)
    return {**_speed(rounds), **_recall(ours, asked)}


def _rounds(
    folder: Path, searches: Mapping[str, Search], asked: Mix, count: int
) -> Mapping[str, Sequence[Times]]:
    """Milliseconds of each query, by round: each answers all of them, in every round another first.

    Each has answered a fifth of them before, uncounted.
    """
    texts = [one.text for kind in asked.values() for one in kind]
    for search in searches.values():
        _times(search, texts[:: len(asked)])
    found: dict[str, list[Times]] = {name: [] for name in searches}
    for number in range(count):
        warm(folder)
        for name in rotated(list(searches), number):
            found[name].append(_times(searches[name], texts))
    return found


def _times(search: Search, texts: Sequence[str]) -> Times:
    found = []
    for text in texts:
        started = time.perf_counter()
        search(text)
        found.append((time.perf_counter() - started) * 1000)
    return found


def _speed(rounds: Mapping[str, Sequence[Times]]) -> Figures:
    ours, large = rounds[OURS], rounds[LARGE]
    p99 = [percentile(times, 99) for times in ours]
    return {
        "search_p50_ms": _median([percentile(times, 50) for times in ours]),
        "search_p99_ms": _median(p99),
        "whoosh_ratio": _against(rounds),
        "million_p99_ratio": _median(
            [percentile(times, 99) / before for times, before in zip(large, p99, strict=True)],
            f"p50 {_middle(large, 50):.2f} ms, p99 {_middle(large, 99):.2f} ms",
        ),
    }


def _against(rounds: Mapping[str, Sequence[Times]]) -> Figure:
    if PEER not in rounds:
        return Figure(None, "Whoosh is not installed: see requirements/development.in")
    peer = rounds[PEER]
    return _median(
        [sum(theirs) / sum(times) for theirs, times in zip(peer, rounds[OURS], strict=True)],
        f"Whoosh: p50 {_middle(peer, 50):.1f} ms, p99 {_middle(peer, 99):.1f} ms",
    )


def _middle(rounds: Sequence[Times], percent: int) -> float:
    return statistics.median(percentile(times, percent) for times in rounds)


def _median(found: Sequence[float], note: str = "") -> Figure:
    spread = f"{min(found):.3g} to {max(found):.3g} in {len(found)} rounds"
    return Figure(statistics.median(found), f"{spread}{'; ' if note else ''}{note}")


def percentile(times: Times, percent: int) -> float:
    """The time within which that share of queries was answered."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _recall(ours: People, asked: Mix) -> Figures:
    exact = [*asked[UID], *(Asked(one.complete, one.person) for one in asked[PREFIX])]
    words = f"of two whole words {_share(ours, asked[WORDS]):.1%}"
    return {
        "recall_exact": Figure(_share(ours, exact), words),
        "recall_one_typo": Figure(_share(ours, asked[ONE_TYPO])),
        "recall_two_typos": Figure(_share(ours, asked[TWO_TYPOS])),
    }


def _share(ours: People, asked: Sequence[Asked]) -> float:
    """Of how many queries the person who is meant, or one of the same full name, comes first."""
    return sum(_is_found(ours, one) for one in asked) / len(asked)


def _is_found(ours: People, asked: Asked) -> bool:
    return any(
        one.id == asked.person.id or one.name == asked.person.name
        for one in ours.search(asked.text, FIRST)
    )
