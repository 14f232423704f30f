"""What happened: the append-only, keyed-hash-chained log of who changed what, when and why.

`recording` writes a `Touch` with every change and reads what was written; `writing` puts many into
the database at once; `chain` says how one row seals the one before it; `verification` finds what
was changed behind our back, `checkpoints` what was taken back as a whole; `erasure` takes a
person's words away and leaves the chain whole.
"""

from cloudhands.common.history.recording import Acting, Event, Recorded, latest, record
from cloudhands.common.history.tables import Touch, TouchText

__all__ = ["Acting", "Event", "Recorded", "Touch", "TouchText", "latest", "record"]
