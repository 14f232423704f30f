"""Made-up people for a directory: the same ones for the same seed, as untidy as real ones.

Names come from many scripts (`names`); some people have no mail or number, several names, a very
long one, or values that LDIF can only hold in base64. Two of them are always there, for tests and
the demonstration to refer to.
"""

import base64
import hashlib
import random
import uuid
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from cloudhands.common.testing.names import SCRIPTS

BASE = "dc=example,dc=org"
PEOPLE = f"ou=people,{BASE}"
MAIL_DOMAIN = "example.org"
SEED = 20
COUNT = 1_000

# The colleague whom the demonstration invites, and one who has no part in it.
COLLEAGUE = ("ghopper", "Grace", "Hopper")
BYSTANDER = ("aturing", "Alan", "Turing")
KNOWN = (COLLEAGUE, BYSTANDER)

# Up to which of the summed weights each script is drawn.
REACHED = tuple(accumulate(script.weight for script in SCRIPTS))

# One person in so many is odd in this way.
NO_MAIL = 37
SEVERAL_NAMES = 29
BINARY = 41
MARKUP = 211
NO_NUMBER = 23
LONG = 503

# Above what registrations here are given.
FIRST_UID_NUMBER = 1_000_000

Value = str | bytes


@dataclass(frozen=True)
class Entry:
    """One entry of a directory.

    :param dn: its distinguished name.
    :param attributes: each attribute's values, in order.
    """

    dn: str
    attributes: dict[str, list[Value]] = field(default_factory=dict)

    def one(self, name: str) -> str:
        """The first value of an attribute as text, or an empty one."""
        found = self.attributes.get(name)
        return str(found[0]) if found else ""


def make(
    count: int = COUNT, *, seed: int = SEED, password: str | None = None, base: str = BASE
) -> list[Entry]:
    """See `stream`; all of them at once."""
    return list(stream(count, seed=seed, password=password, base=base))


def stream(
    count: int, *, seed: int = SEED, password: str | None = None, base: str = BASE
) -> Iterator[Entry]:
    """People with unique uids, one after the other, so that there may be any number of them; the
    first two are always the colleague and the bystander.

    :param count: how many, at least two.
    :param seed: the same seed makes the same people; more of them begin with the same ones.
    :param password: what all of them sign in with; None for entries without a password.
    :param base: the distinguished name that `ou=people` is below.
    """
    dice = random.Random(seed)
    hashed: list[Value] = [ssha(password, str(seed))] if password else []
    for number in range(-len(KNOWN), count - len(KNOWN)):
        entry = _drawn(dice, number, base) if number >= 0 else _known(*KNOWN[number], base=base)
        if hashed:
            entry.attributes["userPassword"] = hashed
        yield entry


def ssha(password: str, salt: str) -> str:
    """A password as `{SSHA}`: salted SHA-1, weak, and what every LDAP server understands."""
    grains = hashlib.sha256(salt.encode()).digest()[:8]
    digest = hashlib.sha1(password.encode() + grains, usedforsecurity=False).digest()
    return "{SSHA}" + base64.b64encode(digest + grains).decode()


def _known(uid: str, given: str, family: str, *, base: str) -> Entry:
    return _entry(uid, given, family, f"{given} {family}", base)


def _drawn(dice: random.Random, number: int, base: str) -> Entry:
    script = SCRIPTS[bisect(REACHED, dice.random() * REACHED[-1])]
    given, family = script.draw(dice)
    name = script.pattern.format(given=given, family=family)
    entry = _entry(_uid(given, family, number), given, family, name, base)
    if number % NO_NUMBER != NO_NUMBER - 1:
        _number(entry, number)
    _make_odd(entry, number, given, family)
    return entry


def _uid(given: str, family: str, number: int) -> str:
    letters = "".join(sign for sign in given[:1] + family if sign.isascii() and sign.isalpha())
    # The number makes it unique; those without a Latin letter are known by it alone.
    return f"{letters.lower()[:8] or 'u'}{number:03d}"


def _entry(uid: str, given: str, family: str, name: str, base: str) -> Entry:
    attributes: dict[str, list[Value]] = {
        "objectClass": ["inetOrgPerson"],
        "uid": [uid],
        "cn": [name],
        "givenName": [given],
        "sn": [family],
        "mail": [f"{uid}@{MAIL_DOMAIN}"],
        "entryUUID": [str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{uid}.{MAIL_DOMAIN}"))],
    }
    return Entry(f"uid={uid},ou=people,{base}", attributes)


def _number(entry: Entry, number: int) -> None:
    found = entry.attributes
    found["objectClass"] = ["inetOrgPerson", "posixAccount"]
    found["uidNumber"] = found["gidNumber"] = [str(FIRST_UID_NUMBER + number)]
    found["homeDirectory"] = [f"/home/{found['uid'][0]!s}"]


def _make_odd(entry: Entry, number: int, given: str, family: str) -> None:
    if number % NO_MAIL == NO_MAIL - 1:
        del entry.attributes["mail"]
    if number % SEVERAL_NAMES == SEVERAL_NAMES - 1:
        entry.attributes["cn"].append(f"Professor {family}")
        entry.attributes.get("mail", []).append(f"{entry.one('uid')}@mail.{MAIL_DOMAIN}")
    if number % BINARY == BINARY - 1:
        entry.attributes["jpegPhoto"] = [bytes(range(256))]
        entry.attributes["description"] = [" begins with a space, is in\ntwo lines "]
    if number % MARKUP == MARKUP - 1:
        entry.attributes["cn"][:] = [f"<b>{given}</b> & {family}"]
    if number % LONG == LONG - 1:
        entry.attributes["cn"].append(" ".join([given] * LONG))


def tree(base: str = BASE) -> list[Entry]:
    """The entries that people are below: the base and `ou=people`."""
    organisation = base.split(",")[0].partition("=")[2]
    return [
        Entry(
            base,
            {
                "objectClass": ["dcObject", "organization"],
                "dc": [organisation],
                "o": ["An institution"],
            },
        ),
        Entry(f"ou=people,{base}", {"objectClass": ["organizationalUnit"], "ou": ["people"]}),
    ]


def write(file: Path, entries: Iterable[Entry]) -> Path:
    """Write entries as LDIF (RFC 2849), parents first as given; returns the file."""
    with file.open("w", encoding="ascii") as out:
        for entry in entries:
            out.writelines(f"{line}\n" for line in lines(entry))
            out.write("\n")
    return file


def lines(entry: Entry) -> Iterator[str]:
    """One entry as the lines of an LDIF record."""
    yield _line("dn", entry.dn)
    for name, found in entry.attributes.items():
        yield from (_line(name, value) for value in found)


def _line(name: str, value: Value) -> str:
    raw = value if isinstance(value, bytes) else value.encode()
    if _is_safe(raw):
        return f"{name}: {raw.decode('ascii')}"
    return f"{name}:: {base64.b64encode(raw).decode()}"


def _is_safe(raw: bytes) -> bool:
    """RFC 2849's SAFE-STRING, without a space at the end."""
    return (
        all(byte < 128 and byte not in b"\0\r\n" for byte in raw)
        and raw[:1] not in (b" ", b":", b"<")
        and not raw.endswith(b" ")
    )


def named(entries: Sequence[Entry], uid: str) -> Entry:
    """The entry with a uid; a KeyError if there is none."""
    for entry in entries:
        if entry.one("uid") == uid:
            return entry
    raise KeyError(uid)
