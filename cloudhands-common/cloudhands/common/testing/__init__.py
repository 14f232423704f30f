"""What tests, benchmarks and the demonstration share: real servers, people, contract suites.

Shipped, so that whoever writes another site or another cloud's adapter can test it the same way.
"""
