"""`cloud-admin deploy-files`: what an installation needs besides our programs."""

import argparse
import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from cloudhands.common import service
from cloudhands.common.errors import ConfigurationError
from cloudhands.common.settings import CONFIG_VARIABLE, DEFAULT_CONFIG, Settings
from cloudhands.common.testing import programs
from cloudhands.ops.admin.operation import answer
from cloudhands.ops.admin.parsing import Commands, command
from cloudhands.ops.bundle import host
from cloudhands.ops.bundle.host import Host
from cloudhands.ops.deploy import files


def add_commands(groups: Commands) -> None:
    """Add this command."""
    parser = command(
        groups,
        "deploy-files",
        "Write the configuration of supervisord, and of nginx if the settings want it in front.",
        write,
    )
    parser.add_argument(
        "--to",
        type=Path,
        metavar="DIR",
        help="the folder for them (default in a deployed release: its installation's)",
    )
    parser.add_argument(
        "--programs",
        type=Path,
        metavar="DIR",
        help="where supervisord finds cloud-serve and the others (default: beside cloud-admin; in "
        "a deployed release where its installation's link current leads to)",
    )
    parser.add_argument(
        "--supervisor",
        type=Path,
        metavar="DIR",
        help="where supervisord and supervisorctl are (default: beside cloud-admin; in a deployed "
        "release its installation's)",
    )


def write(options: argparse.Namespace) -> None:
    """Render the deployment files into a folder, over what is there.

    :raises ConfigurationError: if a setting is wrong or a file cannot be written.
    """
    settings = service.read_settings(options)
    config = options.config or Path(os.environ.get(CONFIG_VARIABLE, DEFAULT_CONFIG))
    to, programs, supervisor = _folders(options)
    layout = files.Layout(
        config=config.absolute(),
        state=settings.state.absolute(),
        programs=programs.absolute(),
        supervisor=supervisor.absolute(),
    )
    written = files.write(layout, settings.portal, to)
    answer(
        options,
        {"files": [str(file) for file in written]},
        *(f"Wrote {file}." for file in written),
        *_next(layout, settings, to.absolute()),
    )


def _folders(options: argparse.Namespace) -> tuple[Path, Path, Path]:
    """Where the files go, where the programs are, and where supervisord is.

    :raises ConfigurationError: if nobody said where they go.
    """
    beside = Path(sysconfig.get_path("scripts"))
    to, programs, supervisor = options.to, beside, beside
    if own := host.own():
        place = Host(own)
        # The programs by the link: those of whichever release is used when they are started.
        to = to or place.deploy
        programs, supervisor = place.programs, place.supervisor / host.VENV / "bin"
    if to is None:
        raise ConfigurationError("--to DIR is missing: name the folder for the files")
    return to, options.programs or programs, options.supervisor or supervisor


def _next(layout: files.Layout, settings: Settings, to: Path) -> Iterator[str]:
    """The commands to run now, and where people then reach the portal."""
    portal = settings.portal
    if portal.nginx:
        yield f"Check: {programs.find('nginx')} -e stderr -t -c {to / files.NGINX}"
    file = to / files.SUPERVISORD
    if layout.socket.exists():
        control = f"{layout.supervisor / 'supervisorctl'} -c {file}"
        yield f"Next, which restarts what this changed there: {control} update"
        if portal.nginx:
            yield f"For what it changed of nginx: {control} signal HUP nginx"
    else:
        yield f"Next: {layout.supervisor / 'supervisord'} -c {file}"
    yield f"Then the portal is at {portal.scheme}://{portal.host}:{portal.port}/"
