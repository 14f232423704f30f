"""A person as a document of the index: what is kept, and the fields by which people are found.

Terms are folded before they come here (`words`), so the index keeps them as they are and needs no
analyzer of its own, which each process would have to register again after every opening.
"""

import tantivy

from cloudhands.common.person import Person
from cloudhands.web.index.decode import Entry

ID, UID, NAME, MAIL, TERMS = "id", "uid", "name", "mail", "terms"


def declare(builder: tantivy.SchemaBuilder) -> None:
    """Add the fields to a schema."""
    for name in (ID, UID, NAME, MAIL, TERMS):
        builder.add_text_field(name, stored=True, tokenizer_name="raw", index_option="basic")


def document(entry: Entry) -> tantivy.Document:
    """The document of a person."""
    person = entry.person
    made = tantivy.Document()
    for field, value in ((ID, person.id), (UID, person.uid), (NAME, person.name)):
        made.add_text(field, value)
    made.add_text(MAIL, person.mail)
    for term in entry.terms:
        made.add_text(TERMS, term)
    return made


def entry_of(found: tantivy.Document) -> Entry:
    """The entry that a document was made from."""
    fields = (str(found.get_first(field) or "") for field in (ID, UID, NAME, MAIL))
    return Entry(Person(*fields), tuple(found.get_all(TERMS)))
