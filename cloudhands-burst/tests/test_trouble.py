"""When trouble pauses a provider: a table."""

import pytest

from cloudhands.burst.trouble import IN_A_ROW, LASTING_SECONDS, WINDOW, Call, reason_to_pause

BAD = "it did not answer"


def calls(pattern: str, seconds: float = 1) -> list[Call]:
    """One call for each letter, so many seconds apart: `.` answered, `x` failed, `d` denied."""
    made = []
    for number, letter in enumerate(pattern):
        at = 1000 + number * seconds
        made.append(Call(at, "" if letter == "." else BAD, denied=letter == "d"))
    return made


@pytest.mark.parametrize(
    ("pattern", "seconds", "words"),
    [
        ("", 1, ""),
        ("....", 1, ""),
        ("x", 1, ""),
        ("d", 1, BAD),
        ("...d", 1, BAD),
        ("d.", 1, ""),
        ("x" * (IN_A_ROW - 1), 1, ""),
        ("x" * IN_A_ROW, 1, f"{IN_A_ROW} calls in a row failed, the last one because {BAD}"),
        ("." * 10 + "x" * IN_A_ROW, 1, f"{IN_A_ROW} calls in a row failed"),
        ("x" * IN_A_ROW + ".", 1, ""),
        ("x" * IN_A_ROW + ".x", 1, ""),
        # A blip: many at once, and soon over.
        ("x" * IN_A_ROW, LASTING_SECONDS / IN_A_ROW / 2, ""),
        ("x" * 3 * IN_A_ROW, LASTING_SECONDS / IN_A_ROW, f"{3 * IN_A_ROW} calls in a row"),
        # Most fail, and now and then one does not.
        (".xxxx" * (WINDOW // 5), 1, f"32 of its last {WINDOW} calls failed"),
        (".xxxx" * (WINDOW // 5 - 1), 1, ""),
        ("..xxx" * (WINDOW // 5), 1, ""),
        (".x" * (WINDOW // 2), 1, ""),
    ],
)
def test_what_pauses(pattern: str, seconds: float, words: str) -> None:
    reason = reason_to_pause(calls(pattern, seconds))
    assert reason.startswith(words)
    assert bool(reason) == bool(words)
