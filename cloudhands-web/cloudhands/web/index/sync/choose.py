"""Which protocol a server is read by: the quickest one that it offers and that suits the settings.

* `persist` and `refresh` (RFC 4533) name entries by entryUUID; they need it as the identifier of
  people, else their deletions would name nobody. One cookie speaks of one base: of several, who
  moves from one to another would be deleted by the first, and no change of the second. 389
  Directory Server, which FreeIPA is made of, has the control too, but an identifier of its own in
  it;
* `changes` needs an attribute that changes with the entry; that an entry has none shows only in the
  first read, which is then the protocol `full`.
"""

from collections.abc import Collection
from typing import NamedTuple

from cloudhands.common import settings
from cloudhands.common.errors import DirectoryError
from cloudhands.web.index.sync.controls import SYNC_REQUEST
from cloudhands.web.index.sync.server import Server

PERSIST, REFRESH, CHANGES, FULL = "persist", "refresh", "changes", "full"
PROTOCOLS = (PERSIST, REFRESH, CHANGES, FULL)
# Both speak of the same content by the same cookies.
SYNCREPL = (PERSIST, REFRESH)
OTHER_NAMES = ("389 project", "red hat", "fedora", "freeipa")


class Choice(NamedTuple):
    """A protocol, and why it is not `persist`; empty if it is."""

    protocol: str
    reason: str


def protocol(server: Server, source: settings.Directory, refused: Collection[str] = ()) -> Choice:
    """The protocol to take, and why not the quickest.

    :param source: its `sync` is the one, or "auto".
    :param refused: what this server has refused to do, although it offers it.
    :raises DirectoryError: if the protocol of the settings cannot work with the others.
    """
    asked = source.sync
    if asked != "auto":
        if asked in SYNCREPL and _unfollowable(source):
            raise DirectoryError(
                f'directory.sync = "{asked}" needs directory.attributes.id = "entryUUID" and no '
                'directory.other_bases: change these, or set directory.sync = "changes"'
            )
        return Choice(asked, "" if asked == PERSIST else f'directory.sync = "{asked}"')
    reason = _unfollowable(source) or _unable(server)
    offered = (CHANGES, FULL) if reason else PROTOCOLS
    chosen = next(name for name in offered if name not in refused)
    if chosen != PERSIST:
        reason = reason or "the server refuses what it offers, or limits it: see the log"
    return Choice(chosen, reason)


def _unable(server: Server) -> str:
    """Why a server cannot be followed by RFC 4533; empty if it can."""
    if SYNC_REQUEST not in server.controls:
        return "the server does not offer RFC 4533"
    if server.vendor.lower().startswith(OTHER_NAMES):
        return f"{server.vendor} names people otherwise in its RFC 4533"
    return ""


def _unfollowable(source: settings.Directory) -> str:
    """Why RFC 4533 does not suit the settings; empty if it does."""
    if source.other_bases:
        return "RFC 4533 follows one base, and there are directory.other_bases"
    name = source.attributes.id
    if name.lower() != "entryuuid":
        return f'RFC 4533 names people by entryUUID, and directory.attributes.id = "{name}"'
    return ""
