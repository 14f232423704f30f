import pytest

from cloudhands.burst.providers.openstack.states import STATUSES, TASKS, WAKING, state_of
from cloudhands.common.cloud import ServerState


@pytest.mark.parametrize(
    ("status", "task", "state"),
    [
        ("BUILD", "scheduling", "building"),
        ("BUILD", "spawning", "building"),
        ("BUILD", "deleting", "deleting"),
        ("ACTIVE", None, "running"),
        ("active", None, "running"),
        ("ACTIVE", "powering-off", "stopping"),
        ("ACTIVE", "deleting", "deleting"),
        ("ACTIVE", "image_snapshot", "running"),
        ("SHUTOFF", None, "stopped"),
        ("SHUTOFF", "powering-on", "starting"),
        ("SHUTOFF", "resize_prep", "resizing"),
        ("REBOOT", "reboot_started", "rebooting"),
        ("HARD_REBOOT", "rebooting_hard", "rebooting"),
        ("RESIZE", "resize_migrating", "resizing"),
        ("VERIFY_RESIZE", None, "resizing"),
        ("PAUSED", None, "stopped"),
        ("SUSPENDED", "resuming", "starting"),
        ("SHELVED_OFFLOADED", "unshelving", "starting"),
        ("SOFT_DELETED", None, "deleting"),
        ("ERROR", None, "failed"),
        ("ERROR", "deleting", "deleting"),
    ],
)
def test_a_servers_state(status: str, task: str | None, state: str) -> None:
    assert state_of(status, task) is ServerState(state)


@pytest.mark.parametrize("status", ["UNKNOWN", "", "SOMETHING_NEW"])
def test_what_the_cloud_does_not_know_is_not_guessed(status: str) -> None:
    assert state_of(status, None) is None


def test_every_rest_can_be_left() -> None:
    rests = {name for name, state in STATUSES.items() if state is ServerState.STOPPED}
    assert rests == {"SHUTOFF", *WAKING}
    assert ServerState.FAILED not in TASKS.values()
