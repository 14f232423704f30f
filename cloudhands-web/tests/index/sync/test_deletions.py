"""Many people who are gone at once stay in the index until an operator says so."""

from datetime import timedelta
from typing import Any

import pytest

from cloudhands.common.testing import people
from cloudhands.web.index import sync
from cloudhands.web.index.sync import DeletionsRefused

Site = Any

PEOPLE = people.make(41)
PROTOCOLS = ["persist", "refresh", "changes", "full"]


@pytest.mark.parametrize("asked", PROTOCOLS)
def test_many_deletions_wait_for_an_operator(
    site: Site, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync.changes, "SWEEP", timedelta())
    site.source = site.settings(sync=asked)
    site.once()
    before = site.index.shows()
    site.server.delete(*(entry.dn for entry in PEOPLE[2:18]))
    site.server.add(PEOPLE[40])
    with pytest.raises(DeletionsRefused, match=r"16 of 40 people .* --confirm-deletions"):
        site.once(confirmed=lambda: False)
    # Who came is there, but for a read of everybody, which comes whole.
    assert before.keys() <= site.index.shows().keys()
    assert len(site.index.held) == (40 if asked == "full" else 41)
    with pytest.raises(DeletionsRefused):
        site.once()
    site.once(confirmed=lambda: True)
    assert site.agrees()


@pytest.mark.usefixtures("impatient")
def test_many_deletions_while_following(site: Site) -> None:
    is_confirmed = False
    told: list[sync.Contact] = []
    with site.following(confirmed=lambda: is_confirmed, seen=told.append, missing_share=0.3):
        site.wait()
        # One by one they are many too.
        for entry in PEOPLE[2:18]:
            site.server.delete(entry.dn)
        site.wait(lambda: "--confirm-deletions" in told[-1].error)
        assert len(site.index.held) >= 28
        site.server.add(PEOPLE[40])
        site.wait(lambda: PEOPLE[40].one("uid") in site.index.uids())
        is_confirmed = True
        site.wait()


@pytest.mark.parametrize("asked", PROTOCOLS)
def test_nobody_is_never_the_answer(
    site: Site, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync.changes, "SWEEP", timedelta())
    site.source = site.settings(sync=asked)
    site.once()
    site.server.delete(*(entry.dn for entry in PEOPLE[:40]))
    with pytest.raises(DeletionsRefused, match="keeps its 40 people"):
        site.once(confirmed=lambda: True)
    assert len(site.index.held) == 40
