"""`cloud-admin db move`: how the target is named."""

import pytest


def test_a_url_with_a_password_stands_in_a_file_or_in_the_environment(
    admin, source, target, target_url, tmp_path, monkeypatch, capsys
):
    secret = f"{target_url}&password=hunter2"
    assert admin("db", "move", secret) == 2
    assert "--to-file FILE" in capsys.readouterr().err
    file = tmp_path / "target"
    file.write_text(f"{secret}\n", encoding="utf-8")
    assert admin("db", "move", "--to-file", file) == 0
    assert "hunter2" not in "".join(capsys.readouterr())
    assert admin("user", "create", "a", "--name", "A", "--mail", "a@example.org") == 2
    assert "hunter2" not in capsys.readouterr().err
    monkeypatch.setenv("CLOUDHANDS_MOVE_TO", secret)
    assert admin("db", "move", "--undo") == 0
    assert admin("db", "move") == 1
    told = capsys.readouterr().err
    assert "is not empty" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ((), "Name an empty PostgreSQL database"),
        (("nonsense",), "URL does not name a database"),
        (("sqlite:///x.db",), "URL names a database of sqlite"),
        (("postgresql+nothing://x/y",), "is not usable"),
        (("--to-file", "/absent/file"), "/absent/file cannot be read"),
        (("--to-file", "/dev/null"), "/dev/null does not name a database"),
        (("postgresql://u@127.0.0.1:1/x",), "Does the server run"),
    ],
)
def test_a_target_that_is_none(admin, sqlite_url, tmp_path, capsys, argv, said):
    before = (tmp_path / "cloudhands.db").read_bytes()
    assert admin("db", "move", *argv) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert (tmp_path / "cloudhands.db").read_bytes() == before
