"""Which cloud is chosen: what holds of every choice, whatever the candidates."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cloudhands.common.placement import Candidate, Wish, choose
from cloudhands.common.testing.factories import ITEM, NOON

# Each of these clouds has the item.
CLOUDS = ("private", "public", *(f"cloud{number}" for number in range(5)))
EVERYWHERE = {
    **ITEM.model_dump(mode="json"),
    "images": dict.fromkeys(CLOUDS, "x"),
    "sizes": {"small": {"on": dict.fromkeys(CLOUDS, "x")}},
}
PRICES = st.sampled_from([None, Decimal(0), Decimal("0.05"), Decimal("0.5")])
TIMES = st.sampled_from([None, NOON, NOON + timedelta(seconds=9), NOON + timedelta(hours=2)])


@st.composite
def candidates(draw: st.DrawFn) -> Sequence[Candidate]:
    names = draw(st.lists(st.sampled_from([*CLOUDS, "nowhere"]), unique=True, max_size=5))
    return [
        Candidate(
            provider=name,
            label=name.title(),
            public=draw(st.booleans()),
            priority=draw(st.integers(1, 3)),
            overflow=draw(st.sampled_from(["never", "ask", "auto"])),
            approved=draw(st.booleans()),
            state=draw(st.sampled_from(["active", "active", "maintenance", "inactive"])),
            defined=draw(st.sampled_from([True, True, True, False])),
            location=draw(st.sampled_from(["", "uk", "us"])),
            price=draw(PRICES),
            paused=draw(st.sampled_from(["", "", "no answer"])),
            shortage=draw(st.sampled_from(["", "", "has used up its limit of 3 vCPUs"])),
            quota_shortage=draw(st.sampled_from(["", "", "0 of 3 vCPUs are left"])),
            full_until=draw(TIMES),
        )
        for name in names
    ]


WISHES = st.builds(
    Wish,
    definition=st.just(EVERYWHERE),
    size=st.just("small"),
    locations=st.sampled_from([[], [], ["uk"]]),
    left=st.sampled_from([None, None, Decimal(-1), Decimal(1), Decimal(100)]),
    hours=st.just(Decimal(10)),
)
QUICKLY = settings(max_examples=30, deadline=None, derandomize=True, database=None)


@QUICKLY
@given(candidates(), WISHES, st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_does_not_matter(
    found: Sequence[Candidate], wish: Wish, chance: Any
) -> None:
    mixed = chance.sample(found, len(found))
    assert choose(mixed, wish, NOON) == choose(found, wish, NOON)


@QUICKLY
@given(candidates(), WISHES)
def test_each_has_a_reason_and_the_first_that_can_take_it_is_chosen(
    found: Sequence[Candidate], wish: Wish
) -> None:
    choice = choose(found, wish, NOON)
    assert sorted(v.candidate.provider for v in choice.verdicts) == sorted(
        one.provider for one in found
    )
    assert all(verdict.reason for verdict in choice.verdicts)
    alone = [choose([verdict.candidate], wish, NOON).chosen for verdict in choice.verdicts]
    usable = [verdict.candidate for verdict in alone if verdict]
    assert (choice.chosen.candidate if choice.chosen else None) == (usable[0] if usable else None)
    for verdict in choice.verdicts:
        is_usable = verdict.candidate in usable
        assert (verdict.chosen or verdict.reason.startswith("not needed")) == is_usable
        assert not (is_usable and (verdict.asks or verdict.wait))


@QUICKLY
@given(candidates(), WISHES)
def test_what_is_chosen_breaks_no_term(found: Sequence[Candidate], wish: Wish) -> None:
    chosen = choose(found, wish, NOON).chosen
    if chosen is None:
        return
    one = chosen.candidate
    assert one.defined
    assert one.state == "active"
    assert [one.paused, one.shortage, one.quota_shortage] == ["", "", ""]
    assert not wish.locations or one.location in wish.locations
    assert one.full_until is None or one.full_until <= NOON
    if one.public:
        assert one.overflow == "auto" or (one.overflow == "ask" and one.approved)
    if wish.left is not None:
        assert one.price is not None or not one.public
        assert (one.price or 0) * wish.hours <= max(wish.left, 0)


@QUICKLY
@given(candidates(), WISHES)
def test_one_that_comes_later_changes_no_choice(found: Sequence[Candidate], wish: Wish) -> None:
    before = choose(found, wish, NOON)
    later = Candidate("zz", "Later", public=True, priority=99, overflow="auto")
    after = choose([*found, later], wish, NOON)
    if before.chosen:
        assert after.chosen is not None
        assert after.chosen.candidate == before.chosen.candidate
    assert [v.candidate for v in after.verdicts] == [*(v.candidate for v in before.verdicts), later]


@QUICKLY
@given(candidates(), WISHES)
def test_it_fails_only_where_nothing_will_pass(found: Sequence[Candidate], wish: Wish) -> None:
    choice = choose(found, wish, NOON)
    assert choice.asking is None or choice.chosen is None
    if choice.chosen is None and choice.wait is None:
        later = NOON + timedelta(days=1)
        assert choose(found, wish, later).chosen is None
    if choice.wait is not None:
        assert choice.wait > 0
