"""The IP addresses that nodes hold, and the pools that some are allotted from."""
