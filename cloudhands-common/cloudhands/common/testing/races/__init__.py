"""Attempts to break what the database shall forbid, from several connections at once.

`racing` runs a race; `people`, `memberships`, `machines`, `shares` and `records` are the races by
their subject, gathered in `table`. `rows` makes what they begin with, `checks` looks at what came
of them. `cloudhands-ops/bench/races.py` runs them long.
"""
