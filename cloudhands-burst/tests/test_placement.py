from dataclasses import replace
from datetime import timedelta

import pytest

from cloudhands.burst.placement import Candidate, Choice, choose
from cloudhands.common.testing.factories import ITEM, NOON

DEFINITION = ITEM.model_dump(mode="json")
PRIVATE = Candidate("private", "Private cloud", public=False, priority=10, overflow="auto")
PUBLIC = Candidate("public", "Public cloud", public=True, priority=20, overflow="auto")
FULL = {"full_since": NOON - timedelta(seconds=20), "full_until": NOON + timedelta(seconds=40)}
OTHER = replace(PRIVATE, provider="other", label="Other cloud")


def chosen(*candidates: Candidate, size: str = "small") -> Choice:
    return choose(candidates, DEFINITION, size, NOON)


def reasons(choice: Choice) -> list[str]:
    return [verdict.sentence for verdict in choice.verdicts]


def test_private_comes_first_whatever_the_priority() -> None:
    choice = chosen(replace(PUBLIC, priority=1), PRIVATE)
    assert choice.chosen is not None
    assert choice.chosen.candidate is PRIVATE
    assert reasons(choice) == [
        "Private cloud: chosen, first by priority",
        "Public cloud: not needed: Private cloud comes first",
    ]


def test_the_lowest_priority_number_comes_first() -> None:
    definition = {**DEFINITION, "images": {"private": "x", "other": "x"}}
    definition["sizes"] = {"small": {"on": {"private": "s", "other": "s"}}}
    choice = choose([PRIVATE, replace(OTHER, priority=5)], definition, "small", NOON)
    assert [verdict.candidate.provider for verdict in choice.verdicts] == ["other", "private"]
    assert choice.verdicts[0].chosen


def test_overflow_with_consent() -> None:
    choice = chosen(replace(PRIVATE, **FULL), PUBLIC)
    assert reasons(choice) == [
        "Private cloud: was full at 11:59 UTC",
        "Public cloud: used because Private cloud is full "
        "and the organisation consents to overflow",
    ]
    assert choice.as_json() == [
        {
            "provider": "private",
            "label": "Private cloud",
            "chosen": False,
            "reason": "was full at 11:59 UTC",
        },
        {
            "provider": "public",
            "label": "Public cloud",
            "chosen": True,
            "reason": "used because Private cloud is full "
            "and the organisation consents to overflow",
        },
    ]


def test_several_obstacles_are_all_named() -> None:
    choice = chosen(replace(PRIVATE, **FULL), OTHER, PUBLIC)
    assert choice.chosen is not None
    assert choice.chosen.reason == (
        "used because Other cloud has no image for this item, Private cloud is full "
        "and the organisation consents to overflow"
    )


@pytest.mark.parametrize(
    ("candidate", "reason", "waits"),
    [
        (replace(PUBLIC, overflow="never"), "does not consent to overflow", False),
        (replace(PUBLIC, overflow="ask"), "an administrator would have to approve", False),
        (OTHER, "has no image for this item", False),
        (replace(PRIVATE, state="inactive"), "is no longer used by the organisation", False),
        (replace(PRIVATE, defined=False), "is no longer set up here", False),
        (replace(PRIVATE, state="maintenance"), "is in maintenance", True),
        (replace(PRIVATE, state="unchecked"), "has not been checked yet", True),
        (replace(PRIVATE, **FULL), "was full at 11:59 UTC", True),
        (replace(PRIVATE, **{**FULL, "full_since": None}), "was full", True),
        # What will not pass by itself outweighs what does.
        (replace(PUBLIC, overflow="never", **FULL), "does not consent to overflow", False),
    ],
)
def test_one_that_cannot_take_it_says_why(candidate: Candidate, reason: str, waits: bool) -> None:
    choice = chosen(candidate)
    assert choice.chosen is None
    assert reason in choice.verdicts[0].reason
    assert (choice.wait is not None) == waits
    assert reason in choice.sentence


def test_a_size_that_a_cloud_lacks() -> None:
    assert chosen(PRIVATE, size="huge").verdicts[0].reason == "has no such size for this item"


def test_it_waits_for_the_one_that_is_first_free() -> None:
    later = {**FULL, "full_until": NOON + timedelta(seconds=90)}
    assert chosen(replace(PRIVATE, **FULL), replace(PUBLIC, **later)).wait == 40


def test_a_mark_of_fullness_is_forgotten_in_time() -> None:
    choice = chosen(replace(PRIVATE, full_since=NOON, full_until=NOON))
    assert choice.chosen is not None


def test_nothing_to_choose_from() -> None:
    choice = chosen()
    assert (choice.chosen, choice.wait) == (None, None)
    assert choice.sentence == "The organisation has no cloud to use."
