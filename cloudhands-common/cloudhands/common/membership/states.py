"""The transition table of memberships."""

from cloudhands.common.machine import Arrow, Machine

MEMBERSHIP = Machine(
    initial="created",
    arrows=(
        Arrow("created", "invited", "an administrator invited the person"),
        Arrow("created", "active", "the operator, or a registration, made the person a member"),
        Arrow("invited", "accepted", "the person accepted; accounts are still to be made"),
        Arrow("invited", "active", "the person accepted, and nothing has to be made first"),
        Arrow("invited", "expired", "the invitation was not answered in time"),
        Arrow("invited", "withdrawn", "the invitation was taken back"),
        Arrow("accepted", "active", "the accounts are made"),
        Arrow("accepted", "withdrawn", "withdrawn before the accounts were made"),
        Arrow("active", "expired", "the membership ran out"),
        Arrow("active", "withdrawn", "the person left or was removed"),
        Arrow("expired", "invited", "invited again"),
        Arrow("withdrawn", "invited", "invited again"),
    ),
)
