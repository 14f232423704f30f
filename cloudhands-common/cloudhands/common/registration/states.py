"""The transition table of registrations."""

from cloudhands.common.machine import Arrow, Machine

REGISTRATION = Machine(
    initial="invited",
    arrows=(
        Arrow("invited", "confirmed", "the person followed the link: the mail address is theirs"),
        Arrow("invited", "expired", "the invitation was not answered in time"),
        Arrow("invited", "withdrawn", "the invitation was taken back"),
        Arrow("confirmed", "invited", "invited again, since the way to go on was lost"),
        Arrow("confirmed", "detailed", "the person chose a user name and gave their details"),
        Arrow("confirmed", "expired", "the details were not given in time"),
        Arrow("confirmed", "withdrawn", "taken back before the details were given"),
        Arrow("detailed", "confirmed", "the details cannot be used; the person is asked again"),
        Arrow("detailed", "published", "the user is known and has a uidNumber; accounts are made"),
        Arrow("detailed", "withdrawn", "taken back before the user was made known"),
        Arrow("published", "active", "the accounts are made, and the person can sign in"),
        Arrow("published", "withdrawn", "taken back; accounts that are made already are removed"),
        Arrow("expired", "invited", "invited again"),
        Arrow("withdrawn", "invited", "invited again"),
    ),
)
