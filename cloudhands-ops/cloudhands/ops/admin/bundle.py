"""`cloud-admin bundle`: releases, as deploy.sh handles them before there is a `cloud-admin`."""

from cloudhands.ops.admin.parsing import Commands, group
from cloudhands.ops.bundle import commands


def add_commands(groups: Commands) -> None:
    """Add this group."""
    commands.add_to(group(groups, "bundle", "releases: prove, install, leave and compare them"))
