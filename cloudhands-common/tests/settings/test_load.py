"""The settings' sources, and what is said about wrong ones."""

from pathlib import Path

import pytest

from cloudhands.common import settings
from cloudhands.common.errors import SettingsError

TLS = "nginx = true\ntls_certificate = 'c.pem'\ntls_key = 'k.pem'"


def load(tmp_path=None, text=None, **sources):
    file = None
    if text is not None:
        file = tmp_path / "cloudhands.toml"
        file.write_text(text, encoding="utf-8")
    return settings.load(file=file, **({"environment": {}} | sources))


def test_without_any_source_there_are_defaults(monkeypatch):
    monkeypatch.setattr("cloudhands.common.settings.sources.DEFAULT_CONFIG", Path("/nonexistent"))
    found = load()
    assert found.portal.port == 8080
    assert found.database_url == "sqlite:////var/lib/cloudhands/cloudhands.db"
    assert found.directory is None


def test_the_later_source_wins(tmp_path):
    text = "[portal]\nport = 2\nthreads = 2\nhost = '2'\n"
    found = load(
        tmp_path,
        text,
        defaults={"portal": {"port": 1, "threads": 1, "host": "1", "session_hours": 1}},
        environment={"CLOUDHANDS_PORTAL__PORT": "3", "CLOUDHANDS_PORTAL__THREADS": "3"},
        overrides={"portal.port": "4"},
    )
    portal = found.portal
    assert (portal.port, portal.threads, portal.host, portal.session_hours) == (4, 3, "2", 1)


def test_a_table_of_one_source_does_not_hide_the_others(tmp_path):
    defaults = {"providers": {"private": {"kind": "simulated", "label": "Private"}}}
    found = load(tmp_path, "[providers.private.options]\ncapacity = 4\n", defaults=defaults)
    assert found.providers["private"].label == "Private"
    assert found.providers["private"].options == {"capacity": 4}


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (
            "[portal]\nprot = 1",
            ["portal.prot (FILE, line 2): there is no such setting"],
        ),
        (
            "[portl]\nport = 1",
            ["portl (FILE, line 2): there is no such setting"],
        ),
        ("[portal]\nport = 99999", ["portal.port (FILE, line 2): Input should be less than"]),
        ("portal = 1", ["portal (FILE, line"]),
        ("[directory]\nbase = 'x'", ["directory.url (FILE, line 2): is required"]),
        ("[directory]\nurl = 'http://x'\nbase = 'x'", ["directory.url (FILE, line 2)"]),
        (
            "[directory]\nurl = 'ldaps://x'\nbase = 'x'\nbind_dn = 'y'",
            ["directory (FILE, line 2)", "bind_dn and password_file go together"],
        ),
        (
            "[directory]\nurl = 'ldaps://x'\nbase = 'x'\nuid_numbers = [3000, 2000]",
            ["directory (FILE, line 2)", "the last one, 2000, is below the first, 3000"],
        ),
        (
            "[directory]\nurl = 'ldaps://x'\nbase = 'x'\nuid_numbers = [0, 2000]",
            ["directory.uid_numbers.0 (FILE, line 4)", "greater than or equal to 1000"],
        ),
        (
            "[providers.moon]\nkind = 'x'\nlabel = 'X'\n"
            "prices = [{size = 'a', running = 1}, {size = 'a', running = 2}]",
            ["providers.moon.prices (FILE, line 4)", "more than one price for a"],
        ),
        (
            "[directory]\nurl = 'ldap://ldap.example.org'\nbase = 'x'",
            ["directory (FILE, line 2)", "start_tls = true"],
        ),
        (
            "[portal]\nnginx = true\ntls_key = 'key.pem'",
            ["portal (FILE, line", "tls_certificate and tls_key go together"],
        ),
        (
            "[portal]\ntls_certificate = 'c.pem'\ntls_key = 'k.pem'",
            ["portal (FILE, line", "set nginx = true"],
        ),
        ("[portal]\nnginx = true\nredirect_port = 80", ["portal (FILE, line", "tls_certificate"]),
        (
            "[portal]\nnginx = true\nport = 443\nredirect_port = 443\n"
            "tls_certificate = 'c.pem'\ntls_key = 'k.pem'",
            ["portal (FILE, line", "must differ"],
        ),
        ("[portal]\nprocesses = 0", ["portal.processes (FILE, line 2)"]),
        ("[providers.Private]\nkind='x'\nlabel='x'", ["providers.Private"]),
    ],
)
def test_a_wrong_file_names_the_key_and_where_it_is(tmp_path, text, sentences):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    said = str(caught.value).replace(str(tmp_path / "cloudhands.toml"), "FILE")
    for sentence in sentences:
        assert sentence in said


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("portal.thread", "portal.threads"),
        ("port", "mail.port or portal.port"),
        ("threads", "portal.threads"),
        ("directory.atributes.uid", "directory.attributes"),
        ("providers.private.labl", "providers.private.label"),
        ("index.intervall", "index.interval"),
        ("databse.url", "database"),
    ],
)
def test_what_was_meant_is_named(key, meant):
    overrides = {
        "directory.url": "ldaps://x",
        "directory.base": "x",
        "providers.private.kind": "simulated",
        "providers.private.label": "Private",
    }
    with pytest.raises(SettingsError) as caught:
        load(overrides={**overrides, key: "1"})
    assert f"there is no such setting: did you mean {meant}" in str(caught.value)


def test_what_resembles_nothing_is_to_be_removed():
    with pytest.raises(SettingsError, match="remove it; 'cloud-admin config show'"):
        load(overrides={"zzzzzzzz": "1"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("database.url", "postgresql://me:hunter2@db.example.org/cloudhands"),
        ("providers.private.options.password", "hunter2"),
    ],
)
def test_a_secret_is_not_taken_from_the_command_line(key, value):
    with pytest.raises(SettingsError) as caught:
        load(overrides={key: value})
    said = str(caught.value)
    assert said.startswith(f"{key} (--set): ")
    assert "$CLOUDHANDS_" in said
    assert "hunter2" not in said


def test_an_empty_table_takes_nothing_from_the_others(tmp_path):
    defaults = {"portal": {"port": 8081}, "providers": {"a": {"kind": "x", "label": "A"}}}
    found = load(
        tmp_path,
        "[portal]\n# port = 1\n[providers]\n",
        defaults=defaults,
        environment={"CLOUDHANDS_PORTAL__THREADS": "3"},
    )
    assert (found.portal.port, found.portal.threads) == (8081, 3)
    assert found.providers["a"].label == "A"


def test_a_value_over_a_table_names_who_wrote_it(tmp_path):
    defaults = {"portal": {"port": 8081}}
    with pytest.raises(SettingsError, match=r"portal \(--set\): is a table, not a value"):
        load(tmp_path, "[portal]\nport = 1\n", defaults=defaults, overrides={"portal": "x"})


def test_every_wrong_key_is_named_at_once(tmp_path):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, "[portal]\nprot = 1\n[index]\ninterval = 0\n")
    assert len(str(caught.value).splitlines()) == 2


def test_a_misspelt_environment_variable_is_an_error():
    with pytest.raises(SettingsError, match=r"portal.prot \(\$CLOUDHANDS_PORTAL__PROT\)"):
        load(environment={"CLOUDHANDS_PORTAL__PROT": "1"})


def test_a_value_where_a_table_belongs():
    with pytest.raises(SettingsError, match="'portal' is a value, not a table"):
        load(overrides={"portal": "x", "portal.port": "1"})


def test_a_file_that_is_not_toml(tmp_path):
    with pytest.raises(SettingsError, match="is not TOML"):
        load(tmp_path, "[portal")


def test_a_file_that_is_not_text(tmp_path):
    file = tmp_path / "cloudhands.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="is not TOML"):
        settings.load(file=file, environment={})


def test_a_missing_file_names_the_remedy(tmp_path):
    with pytest.raises(SettingsError, match="--config or CLOUDHANDS_CONFIG"):
        settings.load(file=tmp_path / "missing.toml", environment={})
    with pytest.raises(SettingsError, match=r"missing\.toml"):
        settings.load(environment={"CLOUDHANDS_CONFIG": str(tmp_path / "missing.toml")})


def test_relative_paths_are_below_the_state_folder(tmp_path):
    found = load(overrides={"state": str(tmp_path)})
    assert found.path(found.index.folder) == tmp_path / "index"
    assert found.path(tmp_path / "elsewhere") == tmp_path / "elsewhere"


def test_settings_do_not_change(tmp_path):
    with pytest.raises(ValueError, match="frozen"):
        load().portal.port = 1


@pytest.mark.parametrize(
    "keys",
    [
        {"directory.url": "ldaps://ldap.example.org"},
        {"directory.url": "ldap://ldap.example.org", "directory.start_tls": "true"},
        {"directory.url": "ldap://127.0.0.1:389"},
        {"directory.url": "ldap://[::1]:389"},
    ],
)
def test_directories_that_keep_passwords_to_themselves(keys):
    assert load(overrides={"directory.base": "dc=example", **keys}).directory


def test_behind_tls_cookies_are_secure_unless_somebody_says_otherwise(tmp_path):
    tls = "[portal]\nnginx = true\ntls_certificate = 'c.pem'\ntls_key = 'k.pem'\n"
    assert load(tmp_path, tls).portal.secure_cookies
    assert load(tmp_path, tls).portal.scheme == "https"
    assert not load(tmp_path, tls + "secure_cookies = false").portal.secure_cookies
    assert not load(tmp_path, "").portal.secure_cookies


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", ""),
        ("host = '0.0.0.0'", ""),
        ("host = 'portal.example.org'", ""),
        ("url = 'https://portal.example.org/cloud/'", "https://portal.example.org/cloud"),
        ("url = 'http://127.0.0.1:8080'", "http://127.0.0.1:8080"),
        ("host = 'portal.example.org'\nport = 443\n" + TLS, "https://portal.example.org:443"),
        ("host = '0.0.0.0'\nport = 443\n" + TLS, ""),
    ],
)
def test_where_machines_ask(tmp_path, text, address):
    assert load(tmp_path, f"[portal]\n{text}\n").portal.for_machines == address


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://portal.example.org", "write https://"),
        ("portal.example.org", "write the portal's address"),
        ("https://portal.example.org/?a=1", "without a query"),
        ("https://portal.example.org/$(id)", "write the portal's address"),
    ],
)
def test_an_address_that_machines_cannot_trust(tmp_path, url, sentence):
    with pytest.raises(SettingsError, match=r"portal\.url") as caught:
        load(tmp_path, f"[portal]\nurl = '{url}'\n")
    assert sentence in str(caught.value)
