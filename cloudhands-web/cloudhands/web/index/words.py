"""Words of names, uids and mail addresses in the one form that index and query share.

The index compares terms byte by byte: whatever should count as equal has to be made equal here, on
both sides. Nothing of what comes out means anything to a query parser or a regular expression.
"""

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
    spaced = "".join(sign if _is_of_a_word(sign) else " " for sign in chunk)
    return [part[:LONGEST_TERM] for part in spaced.split()]


def _is_of_a_word(sign: str) -> bool:
    return sign.isalnum() or unicodedata.category(sign).startswith("M")


def joined(found: list[str]) -> str:
    """Parts as one word, as people type O'Brien or Smith-Jones without the sign."""
    return "".join(found)[:LONGEST_TERM]


def whole(chunk: str) -> str:
    """A folded mail address as one term."""
    return chunk[:LONGEST_TERM]


def terms_of(text: str) -> Iterator[str]:
    """The terms under which a name, a uid or a mail address is found; some may repeat."""
    for chunk in fold(text).split():
        found = parts(chunk.split("@")[0])
        yield from found
        if len(found) > 1:
            yield joined(found)
        if "@" in chunk:
            yield whole(chunk)
