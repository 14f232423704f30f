"""What a cloud's answer means for a subscription: a table."""

import pytest

from cloudhands.burst.reconcilers.subscription.judge import STEPS, Verdict, judge
from cloudhands.common.catalogue.queries import Named
from cloudhands.common.cloud import Standing
from cloudhands.common.provider.states import SUBSCRIPTION

NAMED = Named(frozenset({"debian", "ubuntu"}), frozenset({"m1", "m2"}))
NOTHING = Named(frozenset(), frozenset())


@pytest.mark.parametrize(
    ("named", "standing", "verdict"),
    [
        (NAMED, Standing(), Verdict(True)),
        (NOTHING, Standing(), Verdict(True)),
        (NAMED, Standing(["debian"]), Verdict(True, "it lacks the image 'debian'")),
        (
            NAMED,
            Standing(["debian"], ["m2"]),
            Verdict(True, "it lacks the image 'debian' and the size 'm2'"),
        ),
        (
            NAMED,
            Standing(["debian", "ubuntu"]),
            Verdict(
                False,
                "it has none of the images that the catalogue names there: 'debian', 'ubuntu'",
            ),
        ),
        (
            NAMED,
            Standing((), ["m1", "m2"]),
            Verdict(False, "it has none of the sizes that the catalogue names there: 'm1', 'm2'"),
        ),
        # What nobody asked about is no matter.
        (NAMED, Standing(["windows"], ["huge"]), Verdict(True)),
        (NOTHING, Standing(["windows"]), Verdict(True)),
    ],
)
def test_what_an_answer_means(named: Named, standing: Standing, verdict: Verdict) -> None:
    assert judge(named, standing) == verdict


def test_many_are_not_all_named() -> None:
    names = [f"image{number}" for number in range(9)]
    assert judge(Named(frozenset({*names, "more"}), frozenset()), Standing(names)) == Verdict(
        True, "it lacks the image 'image0', 'image1', 'image2', 'image3', 'image4' and 4 more"
    )


def test_every_step_is_an_arrow() -> None:
    assert {state for state, _ in STEPS} == SUBSCRIPTION.states - {"inactive"}
    for (state, usable), targets in STEPS.items():
        for target in targets:
            assert SUBSCRIPTION.allows(state, target)
            state = target
        assert (state == "active") == usable
