"""What the machine of an appliance asks and reports, by the token that its user data gave it.

It asks at every sign-in over SSH, so that costs two small queries and neither session nor page.
"""

from pyramid.config import Configurator

from cloudhands.web.pages.machine.scope import MachineScope


def includeme(config: Configurator) -> None:
    """Register the two resources."""
    for name in ("authorized-keys", "report"):
        path = f"/appliances/{{appliance}}/{name}"
        config.add_route(f"machine-{name}", path, factory=MachineScope)
    config.scan("cloudhands.web.pages.machine")
