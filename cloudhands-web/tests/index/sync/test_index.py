"""With the index as it is on disk."""

from pathlib import Path
from typing import Any

from cloudhands.common.testing import people
from cloudhands.web.index import engine
from cloudhands.web.index.people import People

PEOPLE = people.make(41)


def test_what_is_followed_is_found(site: Any, tmp_path: Path) -> None:
    found = People(tmp_path)
    with engine.writer(tmp_path, engine.stamp_of(site.source)) as writer:
        site.index = writer
        site.once()
        assert found.search("ghopper")
        grace = found.search("ghopper")[0]
        with site.following():
            site.server.add(PEOPLE[40])
            site.server.delete(people.named(PEOPLE, "aturing").dn)
            site.server.rename(people.named(PEOPLE, "ghopper").dn, "uid=amazing")
            site.wait(lambda: not found.search("aturing") and bool(found.search("amazing")))
        assert found.search(PEOPLE[40].one("uid"))
        assert found.get(grace.id).uid == "amazing"
        position = writer.position()
    # Who comes later goes on from there.
    with engine.writer(tmp_path, engine.stamp_of(site.source)) as writer:
        assert writer.position() == position
        site.index = writer
        site.server.delete(PEOPLE[10].dn)
        site.once()
        assert len(writer.ids()) == writer.people() == 39
    assert not found.search(PEOPLE[10].one("uid"))
