"""Registers the fixtures of all five distributions.

They are registered here and nowhere else: `pytest_plugins` in a distribution's own `conftest.py`
aborts the collection of a run over several of them.
"""

pytest_plugins = [
    "cloudhands.common.testing.counting",
    "cloudhands.common.testing.fixtures",
    "cloudhands.web.testing",
]
