"""What the index holds besides people (`documents`): one document about itself.

It says how far the directory has been read and by which rules; every commit puts it in anew, with
the people who changed.
"""

import json
from dataclasses import dataclass
from typing import Any

import tantivy

from cloudhands.web.index import documents
from cloudhands.web.index.engine import position as positions
from cloudhands.web.index.engine.position import Position

# Another one for everything that makes old files wrong, also for other terms of the same people. A
# release with another format builds its own beside, and leaves the old one to who can read it.
FORMAT = 3

# ABOUT is set on the one document about the index itself, to THE_INDEX.
ABOUT, STATE = "about", "state"
THE_INDEX = "index"


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    documents.declare(builder)
    builder.add_text_field(ABOUT, tokenizer_name="raw", index_option="basic")
    builder.add_bytes_field(STATE, stored=True)
    return builder.build()


SCHEMA = _schema()


@dataclass(frozen=True)
class State:
    """What a commit says about the index itself.

    :param position: how far the directory had been read.
    :param stamp: by which rules.
    :param revision: another one for every commit, whatever the clock does.
    """

    position: Position
    stamp: str
    revision: str


def exactly(field: str, value: str) -> tantivy.Query:
    """A query for one term of a field."""
    return tantivy.Query.term_query(SCHEMA, field, value, "basic")


def about(state: State) -> tantivy.Document:
    """The index's own document."""
    told = {
        "position": positions.to_json(state.position),
        "stamp": state.stamp,
        "revision": state.revision,
    }
    made = tantivy.Document()
    made.add_text(ABOUT, THE_INDEX)
    made.add_bytes(STATE, json.dumps(told).encode("ascii"))
    return made


def state_of(searcher: tantivy.Searcher) -> State:
    """What a commit says about the index itself.

    :raises ValueError: if it does not: it was not made by us, or is damaged.
    """
    hits = searcher.search(exactly(ABOUT, THE_INDEX), 2).hits
    if len(hits) != 1:
        raise ValueError(f"{len(hits)} documents about the index itself, where 1 belongs")
    told: Any = searcher.doc(hits[0][1]).get_first(STATE)
    try:
        found = json.loads(bytes(told))
        return State(positions.from_json(found["position"]), found["stamp"], found["revision"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"the document about the index itself is wrong: {error!r}") from error
