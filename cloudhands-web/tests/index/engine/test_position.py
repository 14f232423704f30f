from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhands.web.index.engine.position import Position, from_json, to_json

POSITIONS = st.builds(
    Position,
    st.sampled_from(["persist", "refresh", "changes", "full"]),
    st.binary(max_size=100),
    st.text(max_size=50),
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-7))])),
)


@given(POSITIONS)
def test_it_comes_back_as_it_was(position):
    assert from_json(to_json(position)) == position


@pytest.mark.parametrize("wrong", [{"cookie": "§"}, {"synced": "soon"}, {"synced": None}])
def test_what_is_none(wrong):
    good = to_json(Position("full", b"", "", datetime(2030, 1, 1, tzinfo=UTC)))
    with pytest.raises((ValueError, TypeError)):
        from_json({**good, **wrong})
