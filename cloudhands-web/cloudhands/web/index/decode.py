"""What the index keeps of a directory entry: the person, and the terms that find them."""

from dataclasses import dataclass

from cloudhands.common import directory, settings
from cloudhands.common.person import Person
from cloudhands.web.index import words


@dataclass(frozen=True, slots=True)
class Entry:
    """A person as indexed.

    :param person: what a search gives back.
    :param terms: folded words that find them, each once, in order: also of further names, uids and
        addresses, which `person` has only the first of.
    """

    person: Person
    terms: tuple[str, ...]


def decode(attributes: directory.Attributes, names: settings.Attributes) -> Entry | None:
    """The entry for raw attributes, or None if they do not describe a person.

    :param attributes: as the directory sent them: bytes, any number of each.
    :param names: which attribute holds what.
    """
    person = directory.person(attributes, names)
    if person is None:
        return None
    found = [person.name, person.uid]
    for name in (names.name, names.uid, names.mail):
        found += directory.texts(attributes, name)
    return Entry(
        person, tuple(dict.fromkeys(term for text in found for term in words.terms_of(text)))
    )
