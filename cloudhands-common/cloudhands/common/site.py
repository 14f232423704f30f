"""What a site package (one institution's configuration) provides.

It is found by the entry point `cloudhands.site` and never imported by name, so that another
institution's can take its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from typing import Any

from cloudhands.common import plugins

GROUP = "cloudhands.site"


@dataclass(frozen=True)
class Site:
    """One institution.

    :param name: a short identifier, part of every ETag.
    :param title: the portal's name as people read it.
    :param strapline: one sentence for the front page.
    :param support: where people ask for help, a mail address.
    :param settings: this site's defaults, as nested tables; the settings file overrides them.
    :param catalogue: the folder with its catalogue items, a TOML file each.
    :param accent: the colour of buttons and links, as CSS: `light` dark enough to bear white text,
        `dark` light enough to bear black.
    """

    name: str
    title: str
    strapline: str
    support: str
    settings: Mapping[str, Any]
    catalogue: Traversable
    accent: Mapping[str, str] = field(default_factory=dict)


def installed() -> Site:
    """The installed site.

    :raises PluginError: if none or several are installed.
    """
    site: Site = plugins.only(GROUP)
    return site
