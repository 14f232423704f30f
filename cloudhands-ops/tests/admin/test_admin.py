"""`cloud-admin`: what every command has."""

import pytest
from sqlalchemy import select

from cloudhands.common.actor.tables import Actor
from cloudhands.common.membership.queries import listed
from cloudhands.common.organisation.queries import by_name
from cloudhands.ops.admin.main import main
from cloudhands.ops.testing_admin import ORG, PI


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("config", "show"),
        ("config", "check"),
        ("db",),
        ("db", "upgrade"),
        ("db", "current"),
        ("db", "check"),
        ("db", "backup"),
        ("db", "restore"),
        ("db", "move"),
        ("burst", "resume"),
        ("history", "show"),
        ("user", "create"),
        ("org", "create"),
        ("pool", "define"),
        ("pool", "list"),
        ("catalogue", "load"),
        ("deploy-files",),
    ],
)
def test_each_command_has_help(argv, capsys):
    with pytest.raises(SystemExit) as end:
        main([*argv, "--help"])
    assert end.value.code == 0
    assert "usage: cloud-admin" in capsys.readouterr().out


@pytest.mark.parametrize("argv", [(), ("nothing",), ("user",), ("user", "create"), ("db", "drop")])
def test_wrong_arguments_end_with_2(argv, capsys):
    with pytest.raises(SystemExit) as end:
        main(argv)
    assert end.value.code == 2
    assert "usage: cloud-admin" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [PI, ORG, ("catalogue", "load")])
def test_a_database_that_was_not_made_is_named_with_the_remedy(admin, capsys, argv):
    assert admin(*argv) == 2
    assert "cloud-admin db upgrade" in capsys.readouterr().err


def test_a_settings_file_that_is_not_there_is_named(tmp_path, capsys):
    assert main(["--config", str(tmp_path / "absent.toml"), "db", "upgrade"]) == 2
    assert "absent.toml cannot be read" in capsys.readouterr().err


# --- Either database -----------------------------------------------------------------------------


def test_the_commands_work_on_either_database(config, database_url, database):
    argv = ["--config", str(config), "--set", f"database.url={database_url}"]
    for command in (("db", "upgrade"), ("catalogue", "load"), PI, ORG):
        assert main([*argv, *command]) == 0
    assert main([*argv, *PI]) == main([*argv, *ORG]) == 1
    assert main([*argv, *ORG, "--if-missing"]) == 0
    with database.reading() as session:
        (membership,) = listed(session, by_name(session, "eo-group").id)
        assert (membership.uid, membership.role) == ("pi", "admin")


def test_nobody_acts_who_is_not_recorded(with_pi, reading):
    with reading() as session:
        assert session.scalars(select(Actor.name)).all() == ["cloud-admin", "Ada Lovelace"]
