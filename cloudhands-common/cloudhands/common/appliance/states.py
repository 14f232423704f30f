"""The transition table of appliances, and which goals a person may set in which state."""

from collections.abc import Mapping

from cloudhands.common.machine import Arrow, Machine

APPLIANCE = Machine(
    initial="requested",
    arrows=(
        Arrow("requested", "provisioning", "a cloud makes it"),
        Arrow("requested", "failed", "it can never be launched as asked"),
        Arrow("requested", "deleted", "deleted before anything was known to be made"),
        Arrow("provisioning", "running", "the cloud runs it"),
        Arrow("provisioning", "requested", "the cloud could not build it: another try follows"),
        Arrow("provisioning", "failed", "the cloud lost it"),
        Arrow("provisioning", "deleting", "deleted while it was being built"),
        Arrow("running", "stopping", "asked to stop"),
        Arrow("running", "stopped", "it stopped from inside"),
        Arrow("running", "deleting", "asked to be deleted"),
        Arrow("running", "failed", "the cloud lost it"),
        Arrow("stopping", "stopped", "the cloud says that it is stopped"),
        Arrow("stopping", "running", "asked to run again before it had stopped"),
        Arrow("stopping", "deleting", "asked to be deleted"),
        Arrow("stopping", "failed", "the cloud lost it"),
        Arrow("stopped", "starting", "asked to start"),
        Arrow("stopped", "running", "it was started at the cloud"),
        Arrow("stopped", "deleting", "asked to be deleted"),
        Arrow("stopped", "failed", "the cloud lost it"),
        Arrow("starting", "running", "the cloud runs it"),
        Arrow("starting", "stopping", "asked to stop before it ran"),
        Arrow("starting", "stopped", "the cloud stopped it again"),
        Arrow("starting", "deleting", "asked to be deleted"),
        Arrow("starting", "failed", "the cloud lost it"),
        Arrow("deleting", "deleted", "the cloud says that it is gone"),
        Arrow("failed", "requested", "asked to be tried again"),
        Arrow("failed", "deleting", "asked to be deleted"),
        Arrow("failed", "deleted", "deleted, and nothing was left at a cloud"),
    ),
)

GOALS: Mapping[str, frozenset[str]] = {
    "requested": frozenset({"deleted"}),
    "provisioning": frozenset({"deleted"}),
    "running": frozenset({"running", "stopped", "deleted"}),
    "stopping": frozenset({"running", "stopped", "deleted"}),
    "stopped": frozenset({"running", "stopped", "deleted"}),
    "starting": frozenset({"running", "stopped", "deleted"}),
    "failed": frozenset({"deleted"}),
    "deleting": frozenset({"deleted"}),
    "deleted": frozenset({"deleted"}),
}
"""The goals that may be set in each state."""
