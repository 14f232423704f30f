"""Mail: from a row of the outbox to the mail server.

`writing` makes a mail of a template and its values, `sending` hands it over, `gate` keeps a mail
server in trouble from holding up everything else.
"""
