from datetime import timedelta

from cloudhands.burst.mail.gate import Gate
from cloudhands.common.testing.factories import NOON


def after(seconds):
    return NOON + timedelta(seconds=seconds)


def test_while_the_server_is_known_not_to_answer_one_at_a_time_tries():
    gate = Gate(probe=60)
    assert gate.closed(NOON) is None
    gate.failed("away", NOON)
    problem, seconds = gate.closed(after(1))
    assert problem == "away"
    assert 1 < seconds <= 5
    assert gate.closed(after(6)) is None, "somebody finds out"
    assert gate.closed(after(7)) == ("away", 59)
    assert gate.closed(after(67)) is None, "whoever tried is lost"
    gate.worked()
    assert gate.closed(after(68)) is None
    assert gate.closed(after(68)) is None


def test_the_longer_it_is_away_the_seldomer_it_is_tried():
    gate = Gate(probe=60)
    for _ in range(20):
        gate.failed("away", NOON)
    assert 150 <= gate.closed(NOON)[1] <= 300
