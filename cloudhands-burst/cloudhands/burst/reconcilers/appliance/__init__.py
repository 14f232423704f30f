"""Makes the servers at the clouds match the appliances that people asked for.

`view` is the appliance as it is written down, `observe` looks at the cloud, `decide` compares
(pure), `reconciler` acts, `record` and `place` write down what came of it.
"""

from cloudhands.burst.reconcilers.appliance.reconciler import reconciler

__all__ = ["reconciler"]
