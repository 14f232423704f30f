"""A person as the directory describes one; without what speaks LDAP, which is slow to import."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the directory.

    :param id: the directory's immutable identifier; survives a change of name, uid and place.
    :param uid: the sign-in name, spelt as in the directory.
    :param name: the full name as people write it; the uid where the directory has none.
    :param mail: a mail address, or empty.
    """

    id: str
    uid: str
    name: str
    mail: str
