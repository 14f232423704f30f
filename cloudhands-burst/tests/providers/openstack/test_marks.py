import pytest

from cloudhands.burst.providers.openstack import marks
from cloudhands.common.cloud import Identity

IDENTITY = Identity("1a2b3c4d-aaaa", "9f8e7d6c-bbbb", 12)


def test_what_is_marked_is_known_again() -> None:
    assert marks.of_metadata(marks.metadata(IDENTITY, "small")) == IDENTITY
    assert marks.of_description(marks.description(IDENTITY)) == IDENTITY


@pytest.mark.parametrize("removed", [marks.INSTALLATION, marks.APPLIANCE, marks.GENERATION])
def test_a_server_that_lacks_a_mark_is_none_of_ours(removed: str) -> None:
    found = marks.metadata(IDENTITY, "small")
    assert marks.of_metadata({**found, removed: ""}) is None
    del found[removed]
    assert marks.of_metadata(found) is None


@pytest.mark.parametrize(
    "found", [None, "", "cloudhands a b", "cloudhands a b x", "other a b 1", "cloudhands a b 1 2"]
)
def test_an_address_of_somebody_else_is_none_of_ours(found: str | None) -> None:
    assert marks.of_description(found) is None


def test_a_name_bears_what_a_search_needs_once() -> None:
    ours = "ch-1a2b3c4d-9f8e7d6c-bbbb-12"
    assert marks.name(ours, IDENTITY) == ours
    assert marks.name("desktop", IDENTITY) == "desktop-1a2b3c4d-9f8e7d6c-bbbb"
