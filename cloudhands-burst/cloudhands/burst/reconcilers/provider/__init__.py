"""Probes providers that are paused because of trouble, and resumes those that work again."""

from cloudhands.burst.reconcilers.provider.reconciler import reconciler

__all__ = ["reconciler"]
