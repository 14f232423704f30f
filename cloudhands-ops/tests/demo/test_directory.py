import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ldap3
import pytest

from cloudhands.common import directory, settings
from cloudhands.common.directory import authenticate
from cloudhands.common.testing import directories, people, slapd
from cloudhands.common.testing.fixtures import require_slapd
from cloudhands.common.testing.ports import answers, free_port
from cloudhands.common.testing.processes import Process, ProcessError, running
from cloudhands.ops.demo.directory import Prepared, prepare


@pytest.fixture(params=directories.KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == directories.SLAPD:
        require_slapd()
    return str(request.param)


@contextmanager
def served(prepared: Prepared, port: int) -> Iterator[tuple[settings.Directory, Process]]:
    with running(prepared.argv, ready=lambda: slapd.answers(port)) as process:
        yield settings.Directory.model_validate(prepared.settings), process


def test_its_people_sign_in(kind: str, tmp_path: Path) -> None:
    port = free_port()
    prepared = prepare(tmp_path / "directory", port, kind)
    assert prepared.kind == kind
    with served(prepared, port) as (source, _):
        for sign_in in prepared.sign_ins:
            found = authenticate(source, tmp_path, sign_in.uid, sign_in.password)
            assert found is not None
            assert found.name == sign_in.name
            assert authenticate(source, tmp_path, sign_in.uid, "wrong") is None


def test_it_has_a_thousand_people(kind: str, tmp_path: Path) -> None:
    port = free_port()
    prepared = prepare(tmp_path, port, kind)
    with (
        served(prepared, port) as (source, _),
        directory.connect(source, tmp_path) as connection,
    ):
        found = connection.extend.standard.paged_search(
            source.base, source.people, attributes=["uid"], generator=False
        )
    assert len(found) == 1000


def test_sigterm_ends_it_cleanly(kind: str, tmp_path: Path) -> None:
    port = free_port()
    with served(prepare(tmp_path, port, kind), port) as (_, process):
        started = time.monotonic()
        assert process.stop(5) == 0
        assert time.monotonic() - started < 3
    assert not answers(port)


def test_preparing_again_keeps_the_data(tmp_path: Path) -> None:
    require_slapd()
    port = free_port()
    with served(prepare(tmp_path, port, directories.SLAPD), port) as (source, _):
        administrator = ldap3.Connection(
            source.url, slapd.ADMIN_DN, slapd.ADMIN_PASSWORD, raise_exceptions=True
        )
        with administrator:
            administrator.delete(people.named(people.make(2), "aturing").dn)
    other = free_port()
    again = prepare(tmp_path, other, directories.SLAPD)
    with served(again, other) as (source, _):
        password = again.sign_ins[0].password
        assert authenticate(source, tmp_path, "ghopper", password) is not None
        assert authenticate(source, tmp_path, "aturing", password) is None


def test_an_interrupted_preparation_is_made_anew(kind: str, tmp_path: Path) -> None:
    prepare(tmp_path, free_port(), kind)
    (tmp_path / kind / "complete").unlink()
    (tmp_path / kind / "people.ldif").write_text("half a li")
    port = free_port()
    with served(prepare(tmp_path, port, kind), port) as (source, _):
        assert authenticate(source, tmp_path, "ghopper", "demo-password") is not None


def test_slapd_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_slapd()
    assert prepare(tmp_path, free_port()).kind == directories.SLAPD
    monkeypatch.setattr(slapd, "find", lambda: None)
    prepared = prepare(tmp_path, free_port())
    assert prepared.kind == directories.MEMORY
    assert "ldaptor" in prepared.server


@pytest.mark.parametrize("case", ["port", "ldif"])
def test_the_one_in_memory_says_why_it_cannot_run(case: str, tmp_path: Path) -> None:
    port = free_port()
    argv = prepare(tmp_path, port, directories.MEMORY).argv
    if case == "ldif":
        (tmp_path / "memory" / "people.ldif").write_text("this is no LDIF\n\n")
        with pytest.raises(ProcessError, match="memory_directory: "):
            _start(argv, port)
        return
    with (
        running(argv, ready=lambda: slapd.answers(port)),
        running(argv) as second,
    ):
        assert second.wait(10) == 1
        assert "memory_directory: " in second.output()


def _start(argv: list[str], port: int) -> None:
    with running(argv, ready=lambda: slapd.answers(port), limit=10):
        pass
