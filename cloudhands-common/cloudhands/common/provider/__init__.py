"""Clouds, as far as the database knows them, and the organisations' use of them."""
