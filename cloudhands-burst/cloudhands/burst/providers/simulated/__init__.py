"""A cloud that exists only in a file: for demonstrations, tests and benchmarks.

It behaves as a real one does as far as cloudhands can see: it takes time, goes on by the clock
while nobody looks, is shared by several processes, can be full, and makes a second server of the
same name and identity without a word, so that whoever creates has to look first.
"""

from cloudhands.burst.providers.simulated.adapter import ADAPTER

__all__ = ["ADAPTER"]
