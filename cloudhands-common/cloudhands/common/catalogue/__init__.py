"""Appliances as advertised."""
