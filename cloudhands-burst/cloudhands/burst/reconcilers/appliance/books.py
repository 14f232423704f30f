"""All that writes about appliances, in one value."""

from cloudhands.burst.context import Context
from cloudhands.burst.reconcilers.appliance.changes import Changes
from cloudhands.burst.reconcilers.appliance.record import Records
from cloudhands.burst.reconcilers.appliance.setbacks import Setbacks


class Books:
    """Where what came of a step is written down."""

    def __init__(self, context: Context) -> None:
        self.records = Records(context)
        self.setbacks = Setbacks(context)
        self.changes = Changes(context)
