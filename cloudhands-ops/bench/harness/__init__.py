"""What the benchmarks share: servers, load, rounds and the table of results.

A benchmark measures ours beside its ceiling or peer, in the same run and under the same load. The
rounds are interleaved, so that a machine that slows down slows all of them, and what is told is
the median of the rounds' ratios: absolute figures of two machines, or of two runs, do not compare.
"""
