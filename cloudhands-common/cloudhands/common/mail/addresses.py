"""When two mail addresses are the same one."""

import unicodedata


def mail_key(mail: str) -> str:
    """A mail address whatever its case and way of writing: equal for addresses that are the same.

    RFC 5321 lets a server tell the case of a mailbox apart; none that people use does.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", mail).casefold())
