"""The index on disk: one writer, any number of readers, every change whole or not at all.

* `schema`: what a document holds; `position`: how far the directory has been read; `stamp`: by
  which rules;
* `place`: the folder, its lock, and the switch from one set of files to the next;
* `writer`: commits changes, or builds everything anew beside what is served;
* `reader`: the last commit, followed by itself, with no right but to read.
"""

from cloudhands.web.index.documents import ID, NAMES
from cloudhands.web.index.engine.place import META, location
from cloudhands.web.index.engine.position import Position
from cloudhands.web.index.engine.reader import Reader, Snapshot
from cloudhands.web.index.engine.schema import SCHEMA, exactly
from cloudhands.web.index.engine.stamp import stamp_of
from cloudhands.web.index.engine.writer import Commit, Writer, writer

__all__ = [
    "ID",
    "META",
    "NAMES",
    "SCHEMA",
    "Commit",
    "Position",
    "Reader",
    "Snapshot",
    "Writer",
    "exactly",
    "location",
    "stamp_of",
    "writer",
]
