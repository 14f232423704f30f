"""A person as a document of the index: what is kept, and the fields by which people are found.

Words of names have a field of their own. Its dictionary grows with the number of different names,
not of people, and only there typos are looked for first: a walk through all uids would cost more.
"""

import zlib
from collections.abc import Iterable

import tantivy

from cloudhands.common.person import Person
from cloudhands.web.index import words
from cloudhands.web.index.decode import Entry

# ID finds exactly one person, NAMES hold words of names, CODES whatever else finds a person begun
# or finished (uids, addresses), NUMBERS what has to be complete. BEGINNINGS hold the first letters
# of names and codes: so few begin too many terms to walk through. RECORD is what is given back.
ID, NAMES, CODES, NUMBERS, BEGINNINGS = "id", "names", "codes", "numbers", "beginnings"
RECORD, PLACE = "record", "place"
SEPARATOR = "\x1f"
LONGEST_BEGINNING = 3

LETTERS, BITS = 8, 5
AFTER_Z = 31


def declare(builder: tantivy.SchemaBuilder) -> None:
    """Add the fields to a schema."""
    for name in (ID, NAMES, CODES, NUMBERS, BEGINNINGS):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field(PLACE, fast=True)
    # The only one stored: one value is read in a fraction of the time that several take.
    builder.add_bytes_field(RECORD, stored=True)


def document(entry: Entry) -> tantivy.Document:
    """The document of a person."""
    made = tantivy.Document()
    person = entry.person
    made.add_text(ID, person.id)
    found = fields(entry)
    for field, term in found:
        made.add_text(field, term)
    for beginning in _beginnings(term for field, term in found if field != NUMBERS):
        made.add_text(BEGINNINGS, beginning)
    made.add_unsigned(PLACE, place(person))
    made.add_bytes(RECORD, _record(entry))
    return made


def fields(entry: Entry) -> list[tuple[str, str]]:
    """The terms of an entry, each with its field."""
    person = entry.person
    of_name = set(words.terms_of(person.name))
    of_code = {*words.terms_of(person.uid), *words.terms_of(person.mail)}
    return [(_field(term, of_name, of_code), term) for term in entry.terms]


def _field(term: str, of_name: set[str], of_code: set[str]) -> str:
    if term in of_name:
        return NAMES
    if term in of_code or "@" in term:
        return CODES
    return NUMBERS if term.isdecimal() else NAMES


def _beginnings(terms: Iterable[str]) -> set[str]:
    return {term[:length] for term in terms for length in range(1, LONGEST_BEGINNING + 1)}


def place(person: Person) -> int:
    """Where a person comes among others, as a number: by the beginning of the name, then any order
    that is always the same.

    A search that finds too many takes the first ones, whatever the order they were indexed in.
    """
    number = 0
    for sign in words.fold(person.name)[:LETTERS].ljust(LETTERS):
        number = number << BITS | min(max(ord(sign) - ord("a") + 1, 0), AFTER_Z)
    return number << 24 | zlib.crc32(person.id.encode("utf-8", "replace")) >> 8


def _record(entry: Entry) -> bytes:
    # No part has the separator in it: what a directory sends is made printable before.
    person = entry.person
    parts = (person.id, person.uid, person.name, person.mail, *entry.terms)
    return SEPARATOR.join(parts).encode("utf-8", "replace")


def matching(searcher: tantivy.Searcher, query: tantivy.Query, limit: int) -> list[Entry]:
    """Those who match, by their place; if there are too many, the first ones."""
    hits = searcher.search(
        query, limit, count=False, order_by_field=PLACE, order=tantivy.Order.Asc
    ).hits
    return [entry_of(searcher.doc(address)) for _, address in hits]


def entry_of(found: tantivy.Document) -> Entry:
    """The entry that a document was made from."""
    kept = bytes(found.get_first(RECORD) or b"").decode()
    id_, uid, name, mail, *terms = kept.split(SEPARATOR)
    return Entry(Person(id_, uid, name, mail), tuple(terms))
