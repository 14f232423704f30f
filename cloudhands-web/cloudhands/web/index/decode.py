"""What the index keeps of a directory entry: the person, and the terms that find them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from cloudhands.common import directory, settings
from cloudhands.common.person import Person
from cloudhands.web.index import words

# Of one value, and of all. Many directories let people write their own names: who writes very much
# is not found by everything, and does not slow down everybody's searches.
MOST_TERMS_OF_ONE, MOST_TERMS = 50, 200


@dataclass(frozen=True, slots=True)
class Entry:
    """A person as indexed.

    :param person: what a search gives back.
    :param terms: folded words that find them, each once, in order: also of further names, uids and
        addresses, which `person` has only the first of, and whole uidNumbers.
    """

    person: Person
    terms: tuple[str, ...]


def decode(attributes: directory.Attributes, names: settings.Attributes) -> Entry | None:
    """The entry for raw attributes, or None if they describe nobody who may be found.

    Who was in the index under their identifier has to go when this is None: they are disabled now,
    or no person any more. People whom the site hides do not come here: `settings.Directory.shown`
    is what the directory is asked for.

    :param attributes: as the directory sent them: bytes, any number of each.
    :param names: which attribute holds what.
    """
    if directory.disabled(attributes, names):
        return None
    person = directory.person(attributes, names)
    if person is None:
        return None
    found = [person.name, person.uid]
    for name in (names.name, names.uid, names.mail):
        found += directory.texts(attributes, name)
    found += filter(_is_a_number, directory.texts(attributes, names.uid_number))
    return Entry(person, tuple(_terms(found)))


def _terms(found: Iterable[str]) -> Iterator[str]:
    terms = (islice(words.terms_of(text), MOST_TERMS_OF_ONE) for text in found)
    # The first ones are of the name and the uid.
    return islice(dict.fromkeys(islice(chain.from_iterable(terms), 10 * MOST_TERMS)), MOST_TERMS)


def _is_a_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
