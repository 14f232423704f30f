"""A cloud that exists only in a file: for demonstrations, tests and benchmarks.

It behaves as a real one does as far as cloudhands can see: it takes time, goes on by the clock
while nobody looks, is shared by several processes, can be full, and makes a second server of the
same name and identity without a word, so that whoever creates has to look first. What real ones do
wrong it does when it is told to: see `faults`, and `faults_file` for at run time.

A file that an older release has written is brought up when it is first used; the older release
cannot read it from then on.
"""

from cloudhands.burst.providers.simulated.adapter import ADAPTER

__all__ = ["ADAPTER"]
