"""Sends what is in the outbox; see `cloudhands.burst.mail`."""

from cloudhands.burst.reconcilers.mail.reconciler import reconciler

__all__ = ["reconciler"]
