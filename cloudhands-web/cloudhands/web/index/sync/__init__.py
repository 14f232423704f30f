"""Brings the people of the directory into the index, and keeps them as they are there.

`follow` connects, lets `choose` say by which protocol, and begins again after a failure. The
protocols are `syncrepl` (RFC 4533; an `operation` is one request, `refresh` says what its messages
mean, `controls` and `ber` how they are written), `changes` and `full`; what all of them need of
connection and index is a `session`. `guard` refuses to delete many people at once, `standing` is
what an index keeps of where it stands, `server` what a directory says of itself, and `waiting` how
long to leave it in peace.
"""

from cloudhands.web.index.sync.follow import Contact, follow, once
from cloudhands.web.index.sync.guard import MISSING_SHARE, DeletionsRefused
from cloudhands.web.index.sync.session import Progress

__all__ = ["MISSING_SHARE", "Contact", "DeletionsRefused", "Progress", "follow", "once"]
