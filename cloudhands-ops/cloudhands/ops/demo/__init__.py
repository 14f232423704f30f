"""The demonstration: the whole system on one machine, with invented people and simulated clouds."""
