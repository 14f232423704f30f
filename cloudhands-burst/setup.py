"""The version that the five distributions share, exact pins between them, the dependencies."""

from pathlib import Path

from setuptools import setup

VERSION = Path(__file__).with_name("VERSION").read_text(encoding="utf-8").strip()

setup(
    version=VERSION,
    install_requires=[
        f"cloudhands-common=={VERSION}",
        "boto3",
        "jinja2",
        "openstacksdk>=4",
        "pyyaml",
    ],
)
