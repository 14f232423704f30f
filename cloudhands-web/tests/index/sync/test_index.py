"""With the index as it is on disk."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloudhands.common.testing import people
from cloudhands.common.testing.processes import running
from cloudhands.web.index import engine, report
from cloudhands.web.index.people import People

PEOPLE = people.make(41)


def test_sigterm_in_the_middle_of_the_first_read(site: Any, proxy: Any, tmp_path: Path) -> None:
    site.source = site.settings(url=proxy.url)
    site.once()
    # As much again, and then half of it.
    proxy.most, proxy.goes_quiet = proxy.passed * 3 // 2, True
    values = {
        "state": tmp_path / "state",
        "directory.url": proxy.url,
        "directory.base": site.source.base,
        "directory.start_tls": "true",
        "directory.ca_file": site.ca_file,
        "directory.timeout": 60,
    }
    given = [part for name, value in values.items() for part in ("--set", f"{name}={value}")]
    argv = [sys.executable, "-m", "cloudhands.web.index.main", *given]
    folder = tmp_path / "state" / "index"
    place = engine.location(folder)
    with running(argv) as process:
        process.wait_until(lambda: proxy.most is None and list(place.glob("files-*")), 10)
        assert process.stop(10) == 0
    assert not list(place.glob("files-*"))
    assert report.make(folder, datetime.now(UTC)).state == report.STOPPED
    # Nothing of the part is taken for anything.
    with engine.writer(folder, engine.stamp_of(site.source)) as writer:
        assert writer.position() is None
        site.index = writer
        site.once()
        assert writer.people() == 40
    assert len(list(place.glob("files-*"))) == 1


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
