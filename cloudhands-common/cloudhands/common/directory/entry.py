"""What a directory's entry says of a person, read from attributes as untidy as they come."""

import unicodedata
import uuid
from collections.abc import Mapping, Sequence

from cloudhands.common import settings
from cloudhands.common.person import Person

Attributes = Mapping[str, Sequence[bytes]]

ACCOUNT_DISABLED = 0x2  # of Active Directory's userAccountControl
LOCKED_FOR_GOOD = b"000001010000Z"  # of pwdAccountLockedTime: by an administrator
YES = frozenset({b"TRUE", b"YES", b"1"})

# Of a name or an address: many directories let people write their own, and a page shows twenty.
LONGEST_TEXT = 256


def wanted(names: settings.Attributes) -> list[str]:
    """The attributes to ask the directory for: those that make a `Person`, find or hide them."""
    asked = (names.id, names.uid, names.name, names.mail, names.uid_number, names.disabled)
    return list(dict.fromkeys(filter(None, asked)))


def person(attributes: Attributes, names: settings.Attributes) -> Person | None:
    """The person that a raw entry describes, or None if it has no identifier or no uid.

    :param attributes: as the directory sent them: bytes, any number of each.
    :param names: which attribute holds what.
    """
    found = identifier(attributes, names)
    uid = next(filter(None, map(_exact, values(attributes, names.uid))), "")
    if not (found and uid):
        return None
    name = first(texts(attributes, names.name)) or uid
    mail = first(texts(attributes, names.mail))
    return Person(found, uid, name[:LONGEST_TEXT], mail[:LONGEST_TEXT])


def identifier(attributes: Attributes, names: settings.Attributes) -> str:
    """An entry's immutable identifier, as `Person.id` has it; empty if it has none."""
    found = values(attributes, names.id)
    if not found or not found[0]:
        return ""
    # Active Directory's is binary, and shown by all its tools in Microsoft's byte order.
    if names.id.lower() == "objectguid" and len(found[0]) == 16:
        return str(uuid.UUID(bytes_le=bytes(found[0])))
    return _exact(found[0]) or found[0].hex()


def disabled(attributes: Attributes, names: settings.Attributes) -> bool:
    """Whether an administrator has switched a person's account off.

    Not who is locked out because of wrong passwords: anybody could make anybody vanish.
    """
    found = values(attributes, names.disabled) if names.disabled else ()
    match names.disabled.lower():
        case "useraccountcontrol":
            return any(_number(value) & ACCOUNT_DISABLED for value in found)
        case "pwdaccountlockedtime":
            return LOCKED_FOR_GOOD in found
        case _:
            return any(value.strip().upper() in YES for value in found)


def _number(value: bytes) -> int:
    # More digits than any number has here are none, and take long to read.
    try:
        return int(value) if len(value) <= 20 else 0
    except ValueError:
        return 0


def values(attributes: Attributes, name: str) -> Sequence[bytes]:
    """An attribute's values; servers answer in a case of their own.

    Those with an option, for example `cn;lang-ja`, are taken where there are none without.
    """
    if name in attributes:
        return attributes[name]
    wanted_name = name.lower()
    found = ""
    for key in attributes:
        bare, option, _ = key.lower().partition(";")
        if bare == wanted_name:
            if not option:
                return attributes[key]
            found = min(filter(None, (found, key)))
    return attributes[found] if found else ()


def texts(attributes: Attributes, name: str) -> list[str]:
    """An attribute's values as text for people: no control characters, no blank ones.

    What is not UTF-8 shows as replacement characters.
    """
    return list(filter(None, (_readable(value) for value in values(attributes, name))))


def first(found: Sequence[str]) -> str:
    """The first of some texts, or an empty one."""
    return found[0] if found else ""


def _readable(value: bytes) -> str:
    text = value.decode("utf-8", errors="replace")
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(sign) == "Cc" else sign for sign in text)
    return " ".join(text.split())


def _exact(value: bytes) -> str:
    """Text that stands for exactly these bytes, or an empty one."""
    try:
        text = value.decode("utf-8").strip()
    except UnicodeDecodeError:
        return ""
    return text if text.isprintable() else ""
