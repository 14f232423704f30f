"""All that writes about appliances, in one value."""

from cloudhands.burst.context import Context
from cloudhands.burst.ledger import Ledger
from cloudhands.burst.reconcilers.appliance.changes import Changes
from cloudhands.burst.reconcilers.appliance.record import Records
from cloudhands.burst.reconcilers.appliance.setbacks import Setbacks


class Books:
    """Where what came of a step is written down."""

    def __init__(self, context: Context) -> None:
        ledger = Ledger(context.database)
        self.records = Records(context, ledger)
        self.setbacks = Setbacks(context, ledger)
        self.changes = Changes(context, ledger)
