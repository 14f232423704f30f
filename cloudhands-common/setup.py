"""The version, from the file that the five distributions share, and the dependencies."""

from pathlib import Path

from setuptools import setup

VERSION = Path(__file__).with_name("VERSION").read_text(encoding="utf-8").strip()

setup(
    version=VERSION,
    install_requires=[
        "SQLAlchemy>=2",
        "alembic",
        "argon2-cffi",
        "jinja2",
        "ldap3",
        "prometheus-client",
        "psycopg[binary]>=3",
        "pydantic>=2",
        "structlog",
    ],
)
