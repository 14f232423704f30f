"""One institution as `cloudhands.common.site` describes it: branding, directory, clouds, catalogue.

The settings here are defaults. Both clouds are simulated and the directory's address is an example:
an installation's settings file gives its own, key by key.
"""

from collections.abc import Mapping
from importlib import resources
from typing import Any

from cloudhands.common.site import Site

# People are found and named by these attributes of their entries.
DIRECTORY: Mapping[str, Any] = {
    "url": "ldaps://directory.example.org",
    "base": "ou=people,dc=example,dc=org",
    "people": "(objectClass=inetOrgPerson)",
    "attributes": {"id": "entryUUID", "uid": "uid", "name": "cn", "mail": "mail"},
}

# The lowest priority is tried first: what is ours before what is rented.
PRIVATE: Mapping[str, Any] = {
    "kind": "simulated",
    "label": "JASMIN private cloud",
    "public": False,
    "priority": 10,
    "settle": 5,
    "options": {
        "file": "clouds/private.db",
        "capacity": 40,
        "images": ["debian-12-desktop", "debian-12-notebook", "debian-12-gateway"],
        "sizes": ["j1.small", "j1.medium", "j1.large"],
        "boot_seconds": 20,
        "stop_seconds": 5,
        "delete_seconds": 5,
        "network": "192.168.32.0/20",
        "external_network": "203.0.113.0/24",
    },
}

PUBLIC: Mapping[str, Any] = {
    "kind": "simulated",
    "label": "Public cloud",
    "public": True,
    "priority": 20,
    "settle": 5,
    "options": {
        "file": "clouds/public.db",
        "capacity": 500,
        "images": ["ami-desktop", "ami-notebook", "ami-gateway"],
        "sizes": ["p3.small", "p3.medium", "p3.large"],
        "boot_seconds": 40,
        "stop_seconds": 10,
        "delete_seconds": 10,
        "network": "10.64.0.0/16",
        "external_network": "198.51.100.0/24",
    },
}

SITE = Site(
    name="jasmin",
    title="JASMIN Cloud",
    strapline="Servers beside the data, for your research group, in minutes.",
    support="cloud-support@example.org",
    settings={"directory": DIRECTORY, "providers": {"private": PRIVATE, "public": PUBLIC}},
    catalogue=resources.files("cloudhands.jasmin") / "catalogue",
    # Both reach a contrast of 7:1 with the page behind them.
    accent={"light": "#0b5885", "dark": "#7cc7f2"},
)
