"""Notices what has changed at the clouds behind our back: one bulk listing of each at a time.

`rows` reads what is known here, `compare` lays it beside the listing (pure), `reconciler` makes due
what differs, so that a direct look-up decides, and `leftovers` deletes what is ours and has ended.
"""

from cloudhands.burst.reconcilers.drift.reconciler import reconciler

__all__ = ["reconciler"]
