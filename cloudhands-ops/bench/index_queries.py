"""What people type who look for somebody: whole uids, beginnings, two words, and both misspelt.

The people are drawn from all of them by a fixed seed. A typo is one random substitution, insertion,
deletion or transposition of letters, anywhere in a word that is long enough for it to be forgiven.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cloudhands.common.person import Person
from cloudhands.web.index import words

SEED = 6
EACH = 100
BEGINNING = (2, 4)
ONE, TWO = 4, 7
"""From so many letters on a word may have one typo, and two."""

UID, PREFIX, WORDS, ONE_TYPO, TWO_TYPOS = "uid", "prefix", "two words", "one typo", "two typos"


@dataclass(frozen=True)
class Asked:
    """What somebody types.

    :param text: as typed.
    :param person: whom they mean.
    :param complete: the same with the whole uid besides, where the text alone fits too many.
    """

    text: str
    person: Person
    complete: str = ""


Mix = Mapping[str, Sequence[Asked]]


def mix(people: Sequence[Person], each: int = EACH) -> Mix:
    """Queries by kind, the same ones for the same people.

    :param people: to draw from.
    :param each: how many of each kind.
    """
    dice = random.Random(SEED)
    kinds: Mapping[str, Callable[[random.Random, Person], Asked | None]] = {
        UID: _uid,
        PREFIX: _prefix,
        WORDS: _words,
        ONE_TYPO: _one_typo,
        TWO_TYPOS: _two_typos,
    }
    return {kind: _drawn(dice, people, make, each) for kind, make in kinds.items()}


def _drawn(
    dice: random.Random,
    people: Sequence[Person],
    make: Callable[[random.Random, Person], Asked | None],
    each: int,
) -> Sequence[Asked]:
    found: list[Asked] = []
    while len(found) < each:
        asked = make(dice, dice.choice(people))
        if asked is not None:
            found.append(asked)
    return found


def _uid(dice: random.Random, person: Person) -> Asked:
    return Asked(person.uid, person)


def _prefix(dice: random.Random, person: Person) -> Asked:
    name = dice.choice(person.name.split())
    begun = name[: dice.randint(*BEGINNING)]
    return Asked(begun, person, f"{begun} {person.uid}")


def _words(dice: random.Random, person: Person) -> Asked | None:
    typed = person.name.split()
    if len(typed) != 2:
        return None
    dice.shuffle(typed)
    return Asked(" ".join(typed), person)


def _one_typo(dice: random.Random, person: Person) -> Asked | None:
    return _misspelt(dice, person, [ONE])


def _two_typos(dice: random.Random, person: Person) -> Asked | None:
    """In one long word, or one in each of two: as it comes."""
    return _misspelt(dice, person, dice.choice(([TWO], [ONE, ONE])))


def _misspelt(dice: random.Random, person: Person, lengths: Sequence[int]) -> Asked | None:
    typed = person.name.split()
    if len(typed) != 2 or any(words.is_unspaced(word) or not word.isalpha() for word in typed):
        return None
    chosen = dice.sample(range(len(typed)), len(lengths))
    if any(len(typed[at]) < least for at, least in zip(chosen, lengths, strict=True)):
        return None
    for at, least in zip(chosen, lengths, strict=True):
        for _ in range(2 if least == TWO else 1):
            typed[at] = misspell(dice, typed[at])
    return Asked(" ".join(typed), person)


def misspell(dice: random.Random, word: str) -> str:
    """A word with one typo, never the same word."""
    while True:
        at = dice.randrange(len(word))
        letter = dice.choice("abcdefghijklmnopqrstuvwxyz")
        made = dice.choice(
            (
                word[:at] + letter + word[at + 1 :],
                word[:at] + letter + word[at:],
                word[:at] + word[at + 1 :],
                word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :],
            )
        )
        if words.fold(made) != words.fold(word):
            return made
