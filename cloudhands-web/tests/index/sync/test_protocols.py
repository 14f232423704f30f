"""What every protocol has to bring about, against a real server."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest

from cloudhands.common.testing import people, slapd
from cloudhands.web.index.sync import Contact, changes

Site = Any
Sites = Any

PEOPLE = people.make(41)
UNLIMITED = slapd.Setup(syncprov=True, unpaged=None)
REMEMBERS = slapd.Setup(syncprov=True, unpaged=None, sessionlog=100)


def add(site: Site) -> None:
    site.server.add(PEOPLE[40])


def change(site: Site) -> None:
    site.server.modify(PEOPLE[2].dn, {"cn": ["Somebody Else"], "mail": []})


def rename(site: Site) -> None:
    site.server.rename(PEOPLE[3].dn, "uid=renamed")


def move_away(site: Site) -> None:
    site.server.rename(PEOPLE[4].dn, f"uid={PEOPLE[4].one('uid')}", people.BASE)


def move_back(site: Site) -> None:
    there = PEOPLE[4].dn.replace(people.PEOPLE, people.BASE)
    site.server.rename(there, f"uid={PEOPLE[4].one('uid')}", people.PEOPLE)


def hide(site: Site) -> None:
    site.server.modify(PEOPLE[5].dn, {"description": ["hidden"]})


def show(site: Site) -> None:
    site.server.modify(PEOPLE[5].dn, {"description": []})


def delete(site: Site) -> None:
    site.server.delete(PEOPLE[6].dn)


def put_back_with_another_identifier(site: Site) -> None:
    identifier = {"entryUUID": ["01234567-89ab-4cde-8f01-23456789abcd"]}
    site.server.add(people.Entry(PEOPLE[6].dn, PEOPLE[6].attributes | identifier))


def several_at_once(site: Site) -> None:
    site.server.delete(PEOPLE[7].dn, PEOPLE[8].dn)
    site.server.add(PEOPLE[7])
    site.server.rename(PEOPLE[9].dn, "uid=twice")
    site.server.rename(f"uid=twice,{people.PEOPLE}", "uid=thrice")


def delete_many(site: Site) -> None:
    site.server.delete(*(entry.dn for entry in PEOPLE[10:15]))


EVENTS: list[Callable[[Site], None]] = [
    add,
    change,
    rename,
    move_away,
    move_back,
    hide,
    show,
    delete,
    put_back_with_another_identifier,
    several_at_once,
    delete_many,
]


@pytest.mark.parametrize(
    ("setup", "asked", "protocol"),
    [
        pytest.param(UNLIMITED, "auto", "persist", id="persist"),
        pytest.param(REMEMBERS, "persist", "persist", id="persist-sessionlog"),
        pytest.param(UNLIMITED, "auto", "refresh", id="refresh"),
        pytest.param(REMEMBERS, "refresh", "refresh", id="refresh-sessionlog"),
        pytest.param(slapd.PLAIN, "auto", "changes", id="changes"),
        pytest.param(slapd.PLAIN, "full", "full", id="full"),
    ],
)
def test_whatever_happens_is_seen(
    site_with: Sites,
    setup: slapd.Setup,
    asked: str,
    protocol: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Deletions are looked for every time.
    monkeypatch.setattr(changes, "SWEEP", timedelta())
    with site_with(
        setup, sync=asked, base=people.PEOPLE, hidden="(description=hidden)", page_size=7
    ) as site:
        stays = protocol == "persist"
        with site.following() if stays else nullcontext():
            site.see(stays)
            assert len(site.index.held) == 40
            for event in EVENTS:
                event(site)
                site.see(stays)
                assert site.agrees(), event.__name__
        assert site.index.position().protocol == protocol
        assert {"renamed", "thrice"} <= site.index.uids()
        # Only those who had changed were read again.
        assert site.index.reads() == (len(EVENTS) + 1 if protocol == "full" else 1)


def test_people_in_several_places_are_asked_for(site_with: Sites) -> None:
    told: list[Contact] = []
    places = {"base": people.PEOPLE, "other_bases": [people.BASE]}
    with site_with(UNLIMITED, **places) as site, site.following(interval=0.1, seen=told.append):
        site.wait(lambda: len(site.index.held) == 40)
        move_away(site)
        change(site)
        site.wait(lambda: "Somebody Else" in {one.name for one in site.index.shows().values()})
        assert len(site.index.held) == 40
        assert site.index.position().protocol == "changes"
    assert "directory.other_bases" in told[-1].reason
