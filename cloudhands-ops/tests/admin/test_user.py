"""`cloud-admin user create`."""

import io
import json

import pytest

from cloudhands.common.account.passwords import check_password
from cloudhands.common.actor.queries import user_by_uid
from cloudhands.ops.admin import secret
from cloudhands.ops.testing_admin import PASSWORD, PI, Terminal


def test_a_user_signs_in_with_the_password_of_a_file(upgraded, tmp_path, reading, capsys):
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\nnot this line\n", encoding="utf-8")
    assert upgraded(*PI, "--password-file", file) == 0
    assert PASSWORD not in capsys.readouterr().out
    with reading() as session:
        assert check_password(session, "pi", PASSWORD).name == "Ada Lovelace"


def test_a_user_signs_in_with_the_password_of_standard_input(upgraded, reading, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    assert upgraded(*PI, "--password-stdin") == 0
    with reading() as session:
        assert check_password(session, "pi", PASSWORD)


def test_without_a_source_a_password_is_made_up_and_shown(upgraded, reading, capsys):
    assert upgraded(*PI, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    with reading() as session:
        assert check_password(session, "pi", told["password"])


def test_on_a_terminal_the_password_is_asked_for(upgraded, reading, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr(secret.getpass, "getpass", lambda prompt: PASSWORD)
    assert upgraded(*PI) == 0
    assert PASSWORD not in capsys.readouterr().out
    with reading() as session:
        assert check_password(session, "pi", PASSWORD)


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [(("", ""), 0, "shown this once"), ((PASSWORD, "another one"), 1, "The two differ")],
)
def test_what_is_typed_on_a_terminal(upgraded, monkeypatch, capsys, typed, status, said):
    answers = iter(typed)
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr(secret.getpass, "getpass", lambda prompt: next(answers))
    assert upgraded(*PI) == status
    assert said in "".join(capsys.readouterr())


def test_who_ends_the_input_is_refused(upgraded, monkeypatch, capsys):
    def ended(prompt):
        raise EOFError

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr(secret.getpass, "getpass", ended)
    assert upgraded(*PI) == 1
    assert "The input ended before it was typed" in capsys.readouterr().err


def test_a_user_who_exists_is_refused_and_unchanged(upgraded, tmp_path, reading, capsys):
    file = tmp_path / "password"
    file.write_text(PASSWORD, encoding="utf-8")
    assert upgraded(*PI, "--password-file", file) == 0
    file.write_text("another password", encoding="utf-8")
    assert upgraded(*PI[:4], "Somebody Else", *PI[5:], "--password-file", file) == 1
    assert "There is a user pi already" in capsys.readouterr().err
    assert upgraded(*PI, "--password-file", file, "--if-missing") == 0
    assert "nothing was changed" in capsys.readouterr().out
    with reading() as session:
        assert check_password(session, "pi", PASSWORD).name == "Ada Lovelace"


@pytest.mark.parametrize(
    ("replaced", "value", "said"),
    [
        (2, "two words", "uid"),
        (2, "", "uid"),
        (4, "two\nlines", "name"),
        (6, "no-address", "mail"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_made(
    upgraded, reading, capsys, replaced, value, said
):
    argv = [*PI[:replaced], value, *PI[replaced + 1 :]]
    assert upgraded(*argv) == 1
    assert f"{said}: " in capsys.readouterr().err
    with reading() as session:
        assert user_by_uid(session, "pi") is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has no password"),
        (b"\n", "has no password"),
        (b"short", "Between 10 and"),
        (b"\xff\xfe\xff\xfe\xff", "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_a_password_that_cannot_be_one_makes_nobody(
    upgraded, tmp_path, reading, capsys, content, said
):
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    assert upgraded(*PI, "--password-file", file) == 1
    assert said in capsys.readouterr().err
    with reading() as session:
        assert user_by_uid(session, "pi") is None


def test_a_password_is_no_argument(upgraded):
    with pytest.raises(SystemExit) as end:
        upgraded(*PI, "--password", PASSWORD)
    assert end.value.code == 2
