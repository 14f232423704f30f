"""Which cloud is chosen, and what is said of each: pure, by example."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from cloudhands.common.cloud import Room
from cloudhands.common.limits import Amounts
from cloudhands.common.placement import Candidate, Choice, Wish, choose, money
from cloudhands.common.placement.quota import quota_shortage
from cloudhands.common.testing.factories import ITEM, NOON

DEFINITION = ITEM.model_dump(mode="json")
PRIVATE = Candidate("private", "Private cloud", public=False, priority=10, overflow="auto")
PUBLIC = Candidate("public", "Public cloud", public=True, priority=20, overflow="auto")
FULL: Any = {
    "full_since": NOON - timedelta(seconds=20),
    "full_until": NOON + timedelta(seconds=40),
}
OTHER = replace(PRIVATE, provider="other", label="Other cloud")
# Some more clouds that have the item.
MORE = dict.fromkeys(("private", "public", *(f"cloud{number}" for number in range(5))), "x")
EVERYWHERE = {**DEFINITION, "images": MORE, "sizes": {"small": {"on": MORE}}}
TEN_HOURS = Wish(DEFINITION, "small", left=Decimal(5), hours=Decimal(10))
DEAR = replace(PUBLIC, price=Decimal("0.60"))


def chosen(*candidates: Candidate, size: str = "small") -> Choice:
    return choose(candidates, Wish(DEFINITION, size), NOON)


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
    other = replace(OTHER, provider="cloud1", priority=5)
    choice = choose([PRIVATE, other], Wish(EVERYWHERE, "small"), NOON)
    assert [verdict.candidate.provider for verdict in choice.verdicts] == ["cloud1", "private"]
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
        (replace(PUBLIC, overflow="ask"), "an administrator has to approve its use first", True),
        (replace(PRIVATE, paused="no answer."), "is paused: no answer", True),
        (replace(PRIVATE, shortage="has none left"), "the organisation has none left there", True),
        (replace(PRIVATE, quota_shortage="0 of 4 vCPUs are left"), "too little quota: 0 of", True),
        # Nobody is asked to approve what cannot be had.
        (replace(PUBLIC, overflow="ask", **FULL), "was full at 11:59 UTC", True),
        (OTHER, "has no image for this item", False),
        (replace(PRIVATE, state="inactive"), "is no longer used by the organisation", False),
        (replace(PRIVATE, defined=False), "is no longer set up here", False),
        (replace(PRIVATE, state="maintenance"), "is in maintenance", True),
        (
            replace(PRIVATE, state="maintenance", problem="no images."),
            "is in maintenance: no images",
            True,
        ),
        (replace(PRIVATE, failure="could not run it twice"), "could not run it twice", False),
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
    assert reason in choice.sentence or choice.asking


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


# --- the cheapest of equal priority ---------------------------------------------------------------


def test_of_equal_priority_the_cheapest_is_chosen() -> None:
    prices = (None, Decimal("0.20"), Decimal("0.10"))
    candidates = [
        replace(PRIVATE, provider=f"cloud{n}", label=f"Cloud {n}", price=price)
        for n, price in enumerate(prices)
    ]
    choice = choose(candidates, Wish(EVERYWHERE, "small"), NOON)
    assert reasons(choice) == [
        "Cloud 2: chosen, the cheapest of its priority",
        "Cloud 1: not needed: Cloud 2 costs less",
        "Cloud 0: not needed: Cloud 2 costs less",
    ]


def test_priority_comes_before_price() -> None:
    cheap = replace(PRIVATE, provider="cloud1", label="Cheap", priority=11, price=Decimal(0))
    choice = choose([cheap, replace(PRIVATE, price=Decimal(9))], Wish(EVERYWHERE, "small"), NOON)
    assert reasons(choice) == [
        "Private cloud: chosen, first by priority",
        "Cheap: not needed: Private cloud comes first",
    ]


# --- where data may lie ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "organisations", "items", "reason"),
    [
        ("uk", ["uk"], [], ""),
        ("uk", [], [], ""),
        ("", [], [], ""),
        ("uk", ["eu", "uk"], ["uk"], ""),
        (
            "us",
            ["eu", "uk"],
            [],
            "keeps data in us, and the organisation's must stay in eu or uk",
        ),
        ("uk", ["uk"], ["eu"], "keeps data in uk, and this item's must stay in eu"),
        (
            "",
            ["uk"],
            [],
            "does not say where it keeps data, and the organisation's must stay in uk",
        ),
    ],
)
def test_data_stay_where_they_may_be(
    location: str, organisations: Sequence[str], items: Sequence[str], reason: str
) -> None:
    wish = Wish({**DEFINITION, "locations": items}, "small", locations=organisations)
    choice = choose([replace(PRIVATE, location=location)], wish, NOON)
    assert (choice.chosen is None) == bool(reason)
    assert choice.verdicts[0].reason == (reason or "chosen, first by priority")
    assert choice.wait is None


# --- budgets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (
            DEAR,
            "would cost 6.00 EUR until the month ends, "
            "and 5.00 EUR of the organisation's budget is free",
        ),
        (replace(DEAR, price=Decimal("0.50")), ""),
        (PUBLIC, "has no price for this size, and the organisation has a budget"),
        (PRIVATE, ""),
        (replace(PRIVATE, price=Decimal(0)), ""),
    ],
)
def test_what_a_budget_has_no_money_for(candidate: Candidate, reason: str) -> None:
    choice = choose([candidate], TEN_HOURS, NOON)
    assert (choice.chosen is None) == bool(reason)
    if reason:
        assert choice.verdicts[0].reason == reason


def test_a_budget_that_is_passed_already_leaves_what_costs_nothing() -> None:
    choice = choose([PRIVATE, DEAR], replace(TEN_HOURS, left=Decimal(-3)), NOON)
    assert choice.chosen is not None
    full = choose([replace(PRIVATE, **FULL), DEAR], replace(TEN_HOURS, left=Decimal(-3)), NOON)
    assert full.chosen is None
    assert "0.00 EUR of the organisation's budget is free" in full.sentence


# --- approval -------------------------------------------------------------------------------------


def test_what_needs_approval_says_what_it_costs() -> None:
    asked = replace(PUBLIC, overflow="ask", price=Decimal("0.1"))
    choice = chosen(replace(PRIVATE, **FULL), asked)
    assert choice.asking is not None
    assert choice.asking.candidate is asked
    assert choice.wait == 40, "the private one may be free before"
    assert choice.sentence == (
        "It waits for an administrator's approval to use Public cloud "
        "(about 73.00 EUR a month). Private cloud: was full at 11:59 UTC."
    )
    approved = chosen(replace(PRIVATE, **FULL), replace(asked, approved=True))
    assert reasons(approved)[1] == (
        "Public cloud: used because Private cloud is full and an administrator approved it"
    )


def test_nobody_is_asked_while_another_can_take_it() -> None:
    asked = replace(PUBLIC, overflow="ask")
    assert chosen(PRIVATE, asked).asking is None
    later = replace(PUBLIC, provider="cloud1", label="Second", priority=30)
    choice = choose([asked, later], Wish(EVERYWHERE, "small"), NOON)
    assert choice.asking is None
    assert choice.verdicts[1].reason == (
        "used because Public cloud is public and not approved "
        "and the organisation consents to overflow"
    )


# --- parts ----------------------------------------------------------------------------------------


def test_a_quota_has_room_or_says_what_is_left() -> None:
    wanted = Amounts(appliances=1, vcpus=4, memory_mb=1024, storage_gb=10)
    assert quota_shortage({}, wanted) == ""
    assert quota_shortage({"vcpus": Room(6, 10), "addresses": Room(1, 1)}, wanted) == ""
    told = quota_shortage({"vcpus": Room(8, 10)}, wanted)
    assert told == "2 of 10 vCPUs are left, and this takes 4"
    assert quota_shortage({"vcpus": Room(12, 10)}, wanted).startswith("0 of 10")


def test_money_in_words() -> None:
    assert money.words(Decimal("1234.5"), "EUR") == "1,234.50 EUR"
    assert money.an_hour(Decimal("0.1000"), "EUR") == "0.10 EUR an hour"
    assert money.an_hour(Decimal("0.0104"), "EUR") == "0.0104 EUR an hour"
    assert money.an_hour(Decimal("20"), "EUR") == "20.00 EUR an hour"


def test_months_follow_each_other() -> None:
    assert money.month(NOON) == (NOON.replace(hour=0), NOON.replace(month=4, day=1, hour=0))
    _, ends = money.month(NOON.replace(month=12, day=31))
    assert (ends.year, ends.month, ends.day) == (2027, 1, 1)
