"""The IP addresses that nodes hold."""
