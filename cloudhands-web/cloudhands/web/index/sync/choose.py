"""Which protocol a server is read by: the quickest one that it offers and that suits the settings.

* `persist` and `refresh` (RFC 4533) name entries by entryUUID; they need it as the identifier of
  people, else their deletions would name nobody. One cookie speaks of one base. 389 Directory
  Server, which FreeIPA is made of, has the control too, but an identifier of its own in it;
* `changes` needs an attribute that changes with the entry; that an entry has none shows only in the
  first read, which is then the protocol `full`.
"""

from collections.abc import Collection

from cloudhands.common import settings
from cloudhands.common.errors import DirectoryError
from cloudhands.web.index.sync.controls import SYNC_REQUEST
from cloudhands.web.index.sync.server import Server

PERSIST, REFRESH, CHANGES, FULL = "persist", "refresh", "changes", "full"
PROTOCOLS = (PERSIST, REFRESH, CHANGES, FULL)
# Both speak of the same content by the same cookies.
SYNCREPL = (PERSIST, REFRESH)
OTHER_NAMES = ("389 project", "red hat", "fedora", "freeipa")


def protocol(server: Server, source: settings.Directory, refused: Collection[str] = ()) -> str:
    """The protocol to take.

    :param source: its `sync` is the one, or "auto".
    :param refused: what this server has refused to do, although it offers it.
    :raises DirectoryError: if the protocol of the settings cannot work with the others.
    """
    asked = source.sync
    if asked != "auto":
        if asked in SYNCREPL and not _is_followable(source):
            raise DirectoryError(
                f'directory.sync = "{asked}" needs directory.attributes.id = "entryUUID" and no '
                'directory.other_bases: change these, or set directory.sync = "changes"'
            )
        return asked
    offered = PROTOCOLS if _synchronises(server, source) else (CHANGES, FULL)
    return next(name for name in offered if name not in refused)


def _synchronises(server: Server, source: settings.Directory) -> bool:
    return (
        SYNC_REQUEST in server.controls
        and _is_followable(source)
        and not server.vendor.lower().startswith(OTHER_NAMES)
    )


def _is_followable(source: settings.Directory) -> bool:
    return source.attributes.id.lower() == "entryuuid" and not source.other_bases
