"""Looks whether an organisation can use a provider: credentials, images and sizes, quota.

`judge` decides (pure), `reconciler` asks and has it written down by `record`.
"""

from cloudhands.burst.reconcilers.subscription.reconciler import reconciler

__all__ = ["reconciler"]
