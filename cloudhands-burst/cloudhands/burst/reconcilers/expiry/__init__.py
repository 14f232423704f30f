"""Reminds owners of appliances that expire, stops what has expired, deletes it after the grace.

`decide` says what is due (pure), `notices` whom to tell of what in one mail, `reconciler` does it.
"""

from cloudhands.burst.reconcilers.expiry.reconciler import reconciler

__all__ = ["reconciler"]
