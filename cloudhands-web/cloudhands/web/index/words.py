"""Words of names, uids and mail addresses in the one form that index and query share.

The index compares terms byte by byte: whatever should count as equal has to be made equal here, on
both sides. Nothing of what comes out means anything to a query parser or a regular expression.
"""

import re
import unicodedata
from collections.abc import Iterator

LONGEST_TERM = 64

# Letters whose mark is part of the letter, so that no decomposition takes it off.
SPECIAL = str.maketrans(
    {
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "ħ": "h",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "ł": "l",
        "ŧ": "t",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
    }
)
# Han, kana, Hangul, Thai and their neighbours.
UNSPACED = re.compile(
    "[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]"
)
MOST_TAILS = 16
ASCII_WORD = re.compile("[0-9A-Za-z]+")
# Nukta, the voicing marks of kana, virama: these make another letter, not an accented one.
KEPT_MARKS = (0, 7, 8, 9)


def fold(text: str) -> str:
    """A text without case, accents, and the marks that writers of other scripts leave out."""
    if text.isascii():
        return text.lower()
    # Half a surrogate pair cannot be stored, so nothing can match it.
    valid = text.encode("utf-8", "ignore").decode("utf-8")
    split = unicodedata.normalize("NFKD", valid)
    bare = "".join(sign for sign in split if unicodedata.combining(sign) in KEPT_MARKS)
    return unicodedata.normalize("NFC", bare.casefold().translate(SPECIAL))


def parts(chunk: str) -> list[str]:
    """The runs of letters and digits in a folded text, in order, each cut to `LONGEST_TERM`."""
    if chunk.isascii():
        return [part[:LONGEST_TERM] for part in ASCII_WORD.findall(chunk)]
    spaced = "".join(sign if _is_of_a_word(sign) else " " for sign in chunk)
    return [part[:LONGEST_TERM] for part in spaced.split()]


def _is_of_a_word(sign: str) -> bool:
    return sign.isalnum() or unicodedata.category(sign).startswith("M")


def joined(found: list[str]) -> str:
    """Parts as one word, as people type O'Brien or Smith-Jones without the sign."""
    return "".join(found)[:LONGEST_TERM]


def is_unspaced(text: str) -> bool:
    """Whether a text has a sign of a script that is written without spaces between words."""
    return not text.isascii() and UNSPACED.search(text) is not None


def tails(word: str) -> list[str]:
    """What a word ends with, from each sign of an unspaced script on but the first.

    A part of the word is then the beginning of something. Of a long one only `MOST_TAILS`.
    """
    if not is_unspaced(word):
        return []
    return [word[found.start() :] for found in UNSPACED.finditer(word, 1)][:MOST_TAILS]


def whole(chunk: str) -> str:
    """A folded mail address as one term."""
    return chunk[:LONGEST_TERM]


def terms_of(text: str) -> Iterator[str]:
    """The terms under which a name, a uid or a mail address is found; some may repeat."""
    chunks = fold(text).split()
    for chunk in chunks:
        found = parts(chunk.split("@")[0])
        for part in found:
            yield part
            yield from tails(part)
        if len(found) > 1:
            yield joined(found)
        if "@" in chunk:
            yield whole(chunk)
    if len(chunks) > 1 and all(map(is_unspaced, chunks)):
        # Written with a space in the directory, typed without one.
        yield joined(parts("".join(chunks)))
