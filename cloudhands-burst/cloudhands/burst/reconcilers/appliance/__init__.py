"""Makes the servers at the clouds match the appliances that people asked for.

`view` is the appliance as it is written down, `observe` looks at the cloud, `decide` compares
(pure) and chooses one of the `actions`, `step` carries it out, `asking` calls the cloud; `record`,
`setbacks`, `changes` and `place` write down what came of it, each through an `entry`.
"""

from cloudhands.burst.reconcilers.appliance.reconciler import reconciler

__all__ = ["reconciler"]
