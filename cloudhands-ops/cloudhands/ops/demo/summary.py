"""What a person reads when the demonstration is up: where it is and who can sign in.

It is written down when the demonstration is set up, so that one that runs tells the same.
"""

import shlex
from collections.abc import Sequence

from cloudhands.common.settings import Portal
from cloudhands.common.testing.people import COUNT
from cloudhands.ops.demo import configuration
from cloudhands.ops.demo.directory import Prepared, SignIn
from cloudhands.ops.demo.place import Place

TEXT = """\
The portal answers at {address}
{front}

Sign in as
{sign_ins}

The directory is {server}: {count} people who all have the password {password}.

Look after the processes:
  {control} status
"""


NGINX = "nginx stands in front of it."
NO_NGINX = "It is served directly, without nginx in front, which is not installed."


def text(place: Place, portal: Portal, administrator: SignIn, served: Prepared) -> str:
    """The whole summary.

    :param portal: how people reach it.
    :param administrator: the organisation's, who has a local account.
    :param served: the directory.
    """
    colleague, bystander = served.sign_ins
    lines = [
        _line(administrator, "administrator of the organisation, a local account"),
        _line(colleague, "a colleague, in the directory"),
        _line(bystander, "somebody else, in the directory"),
    ]
    return TEXT.format(
        address=configuration.address(portal.port),
        front=NGINX if portal.nginx else NO_NGINX,
        sign_ins="\n".join(lines),
        server=served.server,
        count=COUNT,
        password=colleague.password,
        control=shlex.join(control(place)),
    )


def _line(who: SignIn, role: str) -> str:
    return f"  {who.uid:9} {who.password:18} {who.name}, {role}"


def control(place: Place) -> Sequence[str]:
    """The command line of supervisorctl, without its command."""
    return [str(place.layout.programs / "supervisorctl"), "-c", str(place.supervisord)]
