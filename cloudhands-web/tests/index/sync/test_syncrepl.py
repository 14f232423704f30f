from typing import Any

import pytest

from cloudhands.common.testing import people

Site = Any


def test_everybody_then_changes(site: Site) -> None:
    position = site.once()
    print(position)
    assert position.protocol == "persist"
    assert site.index.uids() == site.uids()
    site.server.delete(people.named(people.make(40), "aturing").dn)
    print(site.once())
    print(site.index.commits)
    assert site.index.uids() == site.uids()
    with site.following():
        import time
        time.sleep(1)
        site.server.add(people.make(41)[-1])
        time.sleep(0.5)
        assert site.index.uids() == site.uids()
    print(site.index.commits)
