"""An appliance: what it is, where it runs and why, what can be done with it, its history."""

from pyramid.config import Configurator

from cloudhands.web.security.scopes import ApplianceScope


def includeme(config: Configurator) -> None:
    """Register the page and a route for each thing that can be done."""
    config.add_route("appliance", "/appliances/{appliance}", factory=ApplianceScope)
    config.add_route("appliance-live", "/appliances/{appliance}/live", factory=ApplianceScope)
    actions = (
        "start",
        "stop",
        "reboot",
        "delete",
        "retry",
        "approve",
        "extend",
        "rename",
        "resize",
    )
    for action in actions:
        config.add_route(action, f"/appliances/{{appliance}}/{action}", factory=ApplianceScope)
    config.scan("cloudhands.web.pages.appliance")
