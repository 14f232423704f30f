"""The line that says on which databases the passed tests ran."""

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import os
import pytest
from sqlalchemy import text
from cloudhands.common.db import opened

def use(url):
    with opened(url) as database, database.reading() as session:
        session.execute(text("SELECT 1"))

@pytest.fixture
def prepared(tmp_path):
    use(f"sqlite:///{tmp_path}/a.db")

@pytest.mark.parametrize("number", range(3))
def test_prepared(prepared, number): pass

def test_other(): use(os.environ["OTHER"])

def test_both(prepared): use(os.environ["OTHER"])

def test_none(): pass

def test_skipped(prepared): pytest.skip("it is not counted")

def test_failed(prepared): assert False, "it is not counted"
"""


def test_passed_tests_are_counted_by_what_they_used(
    tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER", postgresql_url)
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["cloudhands.common.testing.counting"]')
    (tmp_path / "test_them.py").write_text(TESTS)
    # Noted in one process, counted in another.
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "1", "-p", "no:cacheprovider", tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 6 passed, 1 skipped" in done.stdout
    line = "passed by database: sqlite 4, postgresql 2, neither 1"
    assert line in done.stdout.splitlines(), done.stdout
