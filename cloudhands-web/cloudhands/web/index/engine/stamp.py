"""By which rules an index was made: one of other rules is made anew."""

import hashlib
import json

from cloudhands.common import settings
from cloudhands.web.index.engine.schema import FORMAT

# How the directory is reached, not whom it shows or what of them. Whatever is added to the settings
# counts until it stands here: an index made anew too often is better than one that is wrong.
REACHING = {
    "url",
    "other_urls",
    "start_tls",
    "ca_file",
    "password_file",
    "timeout",
    "page_size",
    "decoder",
    "sync",
    "uid_numbers",
}


def stamp_of(source: settings.Directory) -> str:
    """The digest of what decides who is in the index, and as what.

    :param source: the settings' `[directory]`.
    """
    rules = source.model_dump(mode="json", exclude=REACHING)
    text = json.dumps([FORMAT, rules], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
