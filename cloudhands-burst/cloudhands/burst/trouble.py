"""When a provider has so much trouble that it is paused: pure, from what its last calls came to.

A call that a cloud answered went well here, also where the answer was a refusal: no room, no such
server. What counts is that it did not answer, or not in a way that we understand.
"""

from collections.abc import Sequence
from dataclasses import dataclass

# So many in a row, over so many seconds: a short blip pauses nothing.
IN_A_ROW = 8
LASTING_SECONDS = 5.0
# Or so large a share of the last calls.
WINDOW = 40
SHARE = 0.8


@dataclass(frozen=True)
class Call:
    """What came of one call.

    :param at: when it ended, in seconds of a clock that only rises.
    :param trouble: what went wrong, in plain words; empty if it was answered.
    :param denied: whether an operator has to mend something: our credentials were refused.
    """

    at: float
    trouble: str = ""
    denied: bool = False


def reason_to_pause(calls: Sequence[Call]) -> str:
    """Why a provider should be paused, in plain words; empty if it should not.

    :param calls: its last ones, `WINDOW` at most, the newest last.
    """
    if not calls or not calls[-1].trouble:
        return ""
    last = calls[-1]
    if last.denied:
        return last.trouble
    row = _in_a_row(calls)
    if row >= IN_A_ROW and last.at - calls[-row].at >= LASTING_SECONDS:
        return f"{row} calls in a row failed, the last one because {last.trouble}"
    failed = sum(1 for call in calls if call.trouble)
    if len(calls) >= WINDOW and failed >= SHARE * len(calls):
        return f"{failed} of its last {len(calls)} calls failed, the last because {last.trouble}"
    return ""


def _in_a_row(calls: Sequence[Call]) -> int:
    for number, call in enumerate(reversed(calls)):
        if not call.trouble:
            return number
    return len(calls)
