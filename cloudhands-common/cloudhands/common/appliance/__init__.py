"""Launched catalogue items and the nodes that run them."""
