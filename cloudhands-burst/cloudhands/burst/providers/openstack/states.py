"""What OpenStack's words for a server mean in ours: two tables and a function."""

from collections.abc import Mapping

from cloudhands.common.cloud import ServerState

STATUSES: Mapping[str, ServerState] = {
    "BUILD": ServerState.BUILDING,
    "REBUILD": ServerState.BUILDING,
    "ACTIVE": ServerState.RUNNING,
    "PASSWORD": ServerState.RUNNING,
    "RESCUE": ServerState.RUNNING,
    "MIGRATING": ServerState.RUNNING,
    "REBOOT": ServerState.REBOOTING,
    "HARD_REBOOT": ServerState.REBOOTING,
    "RESIZE": ServerState.RESIZING,
    "VERIFY_RESIZE": ServerState.RESIZING,
    "REVERT_RESIZE": ServerState.RESIZING,
    "SHUTOFF": ServerState.STOPPED,
    "PAUSED": ServerState.STOPPED,
    "SUSPENDED": ServerState.STOPPED,
    "SHELVED": ServerState.STOPPED,
    "SHELVED_OFFLOADED": ServerState.STOPPED,
    "SOFT_DELETED": ServerState.DELETING,
    "DELETED": ServerState.DELETING,
    "ERROR": ServerState.FAILED,
}
"""By `status`, which Nova makes of a server's state and task."""

TASKS: Mapping[str, ServerState] = {
    "deleting": ServerState.DELETING,
    "soft-deleting": ServerState.DELETING,
    "powering-off": ServerState.STOPPING,
    "pausing": ServerState.STOPPING,
    "suspending": ServerState.STOPPING,
    "shelving": ServerState.STOPPING,
    "shelving_image_pending_upload": ServerState.STOPPING,
    "shelving_image_uploading": ServerState.STOPPING,
    "powering-on": ServerState.STARTING,
    "unpausing": ServerState.STARTING,
    "resuming": ServerState.STARTING,
    "unshelving": ServerState.STARTING,
    "reboot_started": ServerState.REBOOTING,
    "reboot_pending": ServerState.REBOOTING,
    "rebooting": ServerState.REBOOTING,
    "resize_prep": ServerState.RESIZING,
    "resize_migrating": ServerState.RESIZING,
    "resize_migrated": ServerState.RESIZING,
    "resize_finish": ServerState.RESIZING,
    "resize_confirming": ServerState.RESIZING,
    "resize_reverting": ServerState.RESIZING,
}
"""By `task_state`: what it is busy with counts more than what it was before."""

WAKING: Mapping[str, str] = {
    "PAUSED": "unpause_server",
    "SUSPENDED": "resume_server",
    "SHELVED": "unshelve_server",
    "SHELVED_OFFLOADED": "unshelve_server",
}
"""The call that lets a server run which Nova refuses to start, by its status."""


def state_of(status: str, task: str | None) -> ServerState | None:
    """A server's state, or None if the cloud itself does not know it now.

    :param status: Nova's `status`.
    :param task: Nova's `task_state`, None if it is busy with nothing.
    """
    return TASKS.get(task or "") or STATUSES.get(status.upper())
