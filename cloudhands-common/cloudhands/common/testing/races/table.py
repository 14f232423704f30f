"""Every race, by its name."""

from collections.abc import Mapping
from typing import Any

from cloudhands.common.testing.races import machines, memberships, people, records, shares
from cloudhands.common.testing.races.racing import Race

RACES: Mapping[str, Race[Any]] = {
    race.name: race
    for races in (people.RACES, memberships.RACES, machines.RACES, shares.RACES, records.RACES)
    for race in races
}
