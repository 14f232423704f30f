"""The version that the five distributions share, exact pins between them, the dependencies."""

from pathlib import Path

from setuptools import setup

VERSION = Path(__file__).with_name("VERSION").read_text(encoding="utf-8").strip()

setup(
    version=VERSION,
    # Pyramid imports pkg_resources, which setuptools 82 drops and 80.9 warns about on every import;
    # WebOb imports cgi, which Python 3.13 dropped.
    install_requires=[
        f"cloudhands-common=={VERSION}",
        "jinja2",
        'legacy-cgi; python_version >= "3.13"',
        "limits",
        "pyramid>=2.1",
        "rapidfuzz",
        "setuptools>=77,<80.9",
        "tantivy",
        "waitress",
    ],
)
