import json
from pathlib import Path
from typing import Any

import pytest

from cloudhands.burst import providers
from cloudhands.burst.providers.ec2 import credentials
from cloudhands.common.errors import SettingsError
from cloudhands.common.settings import Settings, load
from cloudhands.common.testing.ec2 import CREDENTIALS

SECRET = "testing-secret"


def settings(folder: Path, **options: Any) -> Settings:
    told = {"region": "eu-west-1", "credentials_file": "secret", **options}
    provider = {"kind": "ec2", "label": "Public cloud", "options": told}
    defaults = {"state": str(folder), "providers": {"public": provider}}
    return load(defaults=defaults, environment={})


def test_it_is_found_by_its_kind_and_makes_no_call(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(CREDENTIALS)
    assert list(providers.connect(settings(tmp_path))) == ["public"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"region": ""}, r"options\.region: "),
        ({"region": "eu west"}, r"options\.region: "),
        ({"ca_file": "missing.pem"}, r"ca_file: .*missing\.pem cannot be used: .*No such file"),
        ({"ca_file": "secret"}, r"ca_file: .*secret cannot be used: .*\(PEM\)"),
        ({"endpoint_url": "http://cloud.example.org"}, "would go over the network as it is"),
        ({"endpoint_url": "cloud.example.org"}, "write https://HOST"),
        ({"page_size": 4}, r"options\.page_size: "),
        ({"ssh_from": ["everywhere"]}, r"options\.ssh_from: "),
        ({"limit": 3, "timeout": 2.5}, "limit must be longer than timeout by 1 s"),
        ({"secret": "x"}, r"options\.secret: there is no such option"),
    ],
)
def test_a_wrong_option_is_named(tmp_path: Path, options: dict[str, Any], told: str) -> None:
    (tmp_path / "secret").write_text(CREDENTIALS)
    with pytest.raises(SettingsError, match=told):
        providers.connect(settings(tmp_path, **options))


def test_no_call_lasts_for_as_long_as_half_a_claim(tmp_path: Path) -> None:
    assert (
        Settings().burst.claim / 2
        > providers.own()["ec2"].Options(region="here", credentials_file=tmp_path).limit
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cannot be read: No such file or directory"),
        ("", r"is empty: write a section \[default\]"),
        (" \n", "is empty"),
        (f"aws_secret_access_key = {SECRET}\n", r"is no INI file: begin it with \[default\]"),
        (f"[default]\n{SECRET}\n", "is no INI file"),
        (f"[other]\naws_secret_access_key = {SECRET}\n", r"has no section \[default\]"),
        (f"[default]\naws_secret_access_key = {SECRET}\n", "has no aws_access_key_id"),
        ("[default]\naws_access_key_id = key\n", "has no aws_secret_access_key"),
        ("[default]\naws_access_key_id = key\naws_secret_access_key =\n", "has no aws_secret"),
    ],
)
def test_credentials_that_are_not_there(tmp_path: Path, text: str | None, told: str) -> None:
    file = tmp_path / "secret"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SettingsError, match=told) as caught:
        providers.connect(settings(tmp_path))
    assert str(caught.value).startswith(f"providers.public.options.credentials_file: {file} ")
    assert SECRET not in str(caught.value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="it is no text"):
        providers.connect(settings(tmp_path))


def test_the_profile_and_its_token_are_read(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    theirs = "[burst]\naws_access_key_id = k%y\naws_secret_access_key = s\naws_session_token = t\n"
    file.write_text(CREDENTIALS + theirs)
    read = credentials.read("option", file, "burst")
    assert (read.key, read.secret, read.token) == ("k%y", "s", "t")
    assert json.dumps(repr(read)) == "\"Credentials(key='k%y')\""
