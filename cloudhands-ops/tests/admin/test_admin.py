import io
import json
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import func, select

from cloudhands.common import db, history
from cloudhands.common.account.passwords import check_password
from cloudhands.common.actor.queries import user_by_uid
from cloudhands.common.actor.tables import Actor
from cloudhands.common.catalogue.queries import every
from cloudhands.common.membership.queries import listed
from cloudhands.common.organisation.queries import by_name
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.queries import subscriptions_of
from cloudhands.common.testing.programs import require
from cloudhands.ops.admin import secret
from cloudhands.ops.admin.main import main

PASSWORD = "correct horse battery"
PI = ("user", "create", "pi", "--name", "Ada Lovelace", "--mail", "pi@example.org")
ORG = ("org", "create", "eo-group", "--title", "Earth Observation", "--admin", "pi")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def with_pi(upgraded, capsys):
    assert upgraded(*PI) == 0
    capsys.readouterr()
    return upgraded


@pytest.fixture
def reading(tmp_path):
    with db.opened(f"sqlite:///{tmp_path}/cloudhands.db") as database:
        yield database.reading


def count(session, model):
    return session.scalar(select(func.count()).select_from(model))


# --- What every command has ----------------------------------------------------------------------


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


# --- db upgrade ----------------------------------------------------------------------------------


def test_upgrade_makes_the_tables_and_is_harmless_again(admin, tmp_path, capsys):
    assert admin("db", "upgrade", "--json") == 0
    first = json.loads(capsys.readouterr().out)
    assert admin("db", "upgrade", "--json") == 0
    assert json.loads(capsys.readouterr().out) == first
    with closing(sqlite3.connect(tmp_path / "cloudhands.db")) as connection:
        assert connection.execute("SELECT count(*) FROM appliances").fetchone() == (0,)


def test_upgrade_never_shows_the_databases_password(admin, capsys):
    assert admin("db", "upgrade") == 0
    url = "postgresql://cloudhands:hidden@127.0.0.1:1/cloudhands"
    assert main(["--set", f"database.url={url}", "db", "upgrade"]) == 2
    assert "hidden" not in capsys.readouterr().err


# --- user create ---------------------------------------------------------------------------------


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


# --- org create ----------------------------------------------------------------------------------


def test_an_organisation_has_subscriptions_and_an_administrator(with_pi, reading, capsys):
    assert with_pi(*ORG, "--limit", "7", "--overflow", "auto", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["appliances_limit"], told["providers"]) == (7, ["private", "public"])
    with reading() as session:
        organisation = by_name(session, "eo-group")
        (membership,) = listed(session, organisation.id)
        assert (membership.uid, membership.role, membership.state) == ("pi", "admin", "active")
        found = subscriptions_of(session, organisation.id)
        assert [(one.provider.name, one.overflow, one.state) for one in found] == [
            ("private", "auto", "active"),
            ("public", "auto", "active"),
        ]


def test_the_operator_is_who_did_it(with_pi, reading):
    assert with_pi(*ORG) == 0
    with reading() as session:
        (event,) = history.latest(session, by_name(session, "eo-group").uuid)
        assert event.who == "cloud-admin"


def test_an_organisation_that_exists_is_refused_and_unchanged(with_pi, reading, capsys):
    assert with_pi(*ORG, "--limit", "7") == 0
    assert with_pi(*ORG, "--limit", "9") == 1
    assert "There is an organisation eo-group already" in capsys.readouterr().err
    assert with_pi(*ORG, "--limit", "9", "--if-missing") == 0
    assert "nothing was changed" in capsys.readouterr().out
    with reading() as session:
        assert by_name(session, "eo-group").appliances_limit == 7


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ((*ORG[:-1], "nobody"), "There is no user nobody yet"),
        (("org", "create", "Not A Slug", *ORG[3:]), "name: "),
        ((*ORG[:4], "", *ORG[5:]), "title: "),
        ((*ORG, "--limit", "-1"), "appliances_limit: "),
    ],
)
def test_a_wrong_organisation_leaves_nothing_behind(with_pi, reading, capsys, argv, said):
    assert with_pi(*argv) == 1
    assert said in capsys.readouterr().err
    with reading() as session:
        assert count(session, Organisation) == 0


def test_the_consent_to_overflow_is_one_of_three(with_pi):
    with pytest.raises(SystemExit) as end:
        with_pi(*ORG, "--overflow", "perhaps")
    assert end.value.code == 2


# --- catalogue load ------------------------------------------------------------------------------


def test_the_sites_catalogue_is_loaded_once(upgraded, reading, capsys):
    assert upgraded("catalogue", "load", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["items"].values()) == {"added"}
    assert told["warnings"] == []
    assert upgraded("catalogue", "load", "--json") == 0
    assert set(json.loads(capsys.readouterr().out)["items"].values()) == {"unchanged"}
    with reading() as session:
        assert {item.name for item in every(session)} == set(told["items"])


ITEM = """
name = "thing"
title = "A thing"
summary = "Does nothing."
images = { private = "image", elsewhere = "image" }
default_size = "small"
[sizes.small]
title = "Small"
vcpus = 1
memory_mb = 1024
disk_gb = 10
on = { private = "s1" }
"""


def test_an_item_for_an_unknown_provider_is_loaded_with_a_warning(upgraded, tmp_path, capsys):
    (tmp_path / "thing.toml").write_text(ITEM, encoding="utf-8")
    (tmp_path / "cloudhands.toml").rename(tmp_path / "settings")
    config = str(tmp_path / "settings")
    assert main(["--config", config, "catalogue", "load", str(tmp_path)]) == 0
    assert "thing is also for elsewhere" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (ITEM.replace('"small"', '"huge"', 1), 2, "default_size 'huge'"),
        (ITEM.replace("vcpus = 1", "vcpus = 0"), 2, "vcpus"),
        ("name = ", 2, "thing.toml"),
        (None, 2, "has no catalogue items"),
    ],
)
def test_a_wrong_item_is_named_and_nothing_is_loaded(
    upgraded, tmp_path, reading, capsys, content, status, said
):
    folder = tmp_path / "items"
    folder.mkdir()
    (folder / "a-good-one.toml").write_text(ITEM, encoding="utf-8")
    if content is None:
        (folder / "a-good-one.toml").unlink()
    else:
        (folder / "thing.toml").write_text(content, encoding="utf-8")
    assert upgraded("catalogue", "load", folder) == status
    assert said in capsys.readouterr().err
    with reading() as session:
        assert every(session) == []


@pytest.mark.parametrize("name", ["absent", "cloudhands.toml"])
def test_what_is_not_a_folder_is_refused(upgraded, tmp_path, capsys, name):
    assert upgraded("catalogue", "load", tmp_path / name) == 1
    assert "is not a folder" in capsys.readouterr().err


# --- deploy-files --------------------------------------------------------------------------------


def test_deploy_files_are_written_for_the_settings_in_use(admin, config, tmp_path, capsys):
    assert admin("deploy-files", "--to", tmp_path / "deploy", "--json") == 0
    (file,) = json.loads(capsys.readouterr().out)["files"]
    text = (tmp_path / "deploy" / "supervisord.conf").read_text(encoding="utf-8")
    assert file == str(tmp_path / "deploy" / "supervisord.conf")
    assert f"cloud-serve --config {config}" in text


def test_with_nginx_in_front_its_configuration_is_written_too(config, tmp_path, capsys):
    require("nginx")
    with config.open("a", encoding="utf-8") as file:
        file.write("[portal]\nnginx = true\nport = 8443\n")
    assert main(["--config", str(config), "deploy-files", "--to", str(tmp_path / "deploy")]) == 0
    said = capsys.readouterr().out
    for name in ("nginx.conf", "nginx.sh", "supervisord.conf"):
        assert f"Wrote {tmp_path / 'deploy' / name}." in said
    assert f"nginx -e stderr -t -c {tmp_path / 'deploy' / 'nginx.conf'}" in said
    assert "http://127.0.0.1:8443/" in said


def test_the_settings_file_may_be_named_by_the_environment(config, tmp_path, monkeypatch):
    monkeypatch.setenv("CLOUDHANDS_CONFIG", str(config))
    assert main(["deploy-files", "--to", str(tmp_path)]) == 0
    assert f"--config {config}" in (tmp_path / "supervisord.conf").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_made_is_named(admin, config, capsys):
    assert admin("deploy-files", "--to", config / "below-a-file") == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_state_folder_too_deep_for_a_socket_is_refused(config, tmp_path, capsys):
    config.write_text(f'state = "{tmp_path / ("deep" * 30)}"\n', encoding="utf-8")
    assert main(["--config", str(config), "deploy-files", "--to", str(tmp_path)]) == 2
    assert "too long for a socket" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a #b", "a ;b", "100%"])
def test_a_path_that_supervisord_would_not_understand_is_refused(config, tmp_path, capsys, name):
    config.write_text(f'state = "{tmp_path}/{name}"\n', encoding="utf-8")
    assert main(["--config", str(config), "deploy-files", "--to", str(tmp_path)]) == 2
    assert "choose another" in capsys.readouterr().err


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
