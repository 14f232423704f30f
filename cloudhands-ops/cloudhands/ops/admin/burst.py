"""`cloud-admin burst`: what an operator tells cloud-burst."""

import argparse

from cloudhands.common import observing
from cloudhands.ops.admin.operation import answer, operation
from cloudhands.ops.admin.parsing import Commands, command, group


def add_commands(groups: Commands) -> None:
    """Add this group."""
    place = group(groups, "burst", "cloud-burst")
    command(
        place, "resume", "Let cloud-burst work again, which only observes after a restore.", resume
    )


def resume(options: argparse.Namespace) -> None:
    """End observing; harmless when cloud-burst works."""
    with operation(options) as done:
        was_observing = observing.end(done.session)
    told = "works again" if was_observing else "was at work; nothing changed"
    answer(options, {"was_observing": was_observing}, f"cloud-burst {told}.")
