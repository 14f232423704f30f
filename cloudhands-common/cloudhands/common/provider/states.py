"""The transition tables of providers and subscriptions."""

from cloudhands.common.machine import Arrow, Machine

PROVIDER = Machine(
    initial="working",
    arrows=(
        Arrow("working", "paused", "nothing there is called; the reason is recorded"),
        Arrow("paused", "working", "a probe went well, or an operator resumed it"),
    ),
)

SUBSCRIPTION = Machine(
    initial="unchecked",
    arrows=(
        Arrow("unchecked", "active", "the cloud can be used"),
        Arrow("unchecked", "maintenance", "the cloud cannot be used yet; the reason is recorded"),
        Arrow("active", "maintenance", "the cloud cannot be used for a while"),
        Arrow("active", "inactive", "the operator ended it"),
        Arrow("maintenance", "unchecked", "to be looked at again"),
        Arrow("maintenance", "inactive", "the operator ended it"),
        Arrow("inactive", "unchecked", "the operator took it up again"),
    ),
)
