import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from cloudhands.burst.providers.openstack.credentials import read
from cloudhands.burst.providers.openstack.options import Options
from cloudhands.common.cloud import Denied

PASSWORD = {
    "auth_url": "https://cloud.example.org:5000",
    "username": "burst",
    "password": "s3cret",
    "project_name": "research",
}
APPLICATION = {
    "auth_url": "https://cloud.example.org:5000/v3",
    "application_credential_id": "ab12",
    "application_credential_secret": "s3cret",
}


def options(**more: Any) -> Options:
    return Options(credentials=Path("project.json"), network="private", **more)


def written(folder: Path, text: str, suffix: str = ".yaml") -> Path:
    file = folder / f"project{suffix}"
    file.write_text(text, encoding="utf-8")
    return file


def as_json(folder: Path, table: Any) -> Path:
    return written(folder, json.dumps(table), ".json")


@pytest.mark.parametrize("suffix", [".json", ".toml", ".yaml", ".yml", ".YAML"])
def test_each_kind_of_file_is_read(tmp_path: Path, suffix: str) -> None:
    toml = "\n".join(f'{key} = "{value}"' for key, value in PASSWORD.items())
    text = toml if suffix == ".toml" else json.dumps(PASSWORD)
    found = read(written(tmp_path, text, suffix), options())
    assert found.auth == PASSWORD
    assert not found.application
    assert found.region == ""
    assert "s3cret" not in repr(found)


def test_a_clouds_yaml_is_read_as_the_cloud_offers_it(tmp_path: Path) -> None:
    cloud = {
        "auth": APPLICATION,
        "auth_type": "v3applicationcredential",
        "identity_api_version": 3,
        "region_name": "north",
        "verify": False,
    }
    file = written(tmp_path, yaml.safe_dump({"clouds": {"openstack": cloud}}))
    found = read(file, options())
    assert found.auth == APPLICATION
    assert found.application
    assert found.region == "north"
    assert read(file, options(region="south")).region == "south"


def test_one_of_several_clouds_is_named(tmp_path: Path) -> None:
    file = as_json(tmp_path, {"clouds": {"a": {"auth": PASSWORD}, "b": {"auth": APPLICATION}}})
    assert read(file, options(cloud="b")).application
    for wrong in (options(), options(cloud="c")):
        with pytest.raises(Denied, match="it has a, b; name one in the option 'cloud'"):
            read(file, wrong)


def test_the_auth_url_may_stand_in_the_settings(tmp_path: Path) -> None:
    without = {key: value for key, value in PASSWORD.items() if key != "auth_url"}
    file = as_json(tmp_path, without)
    assert read(file, options(auth_url="https://other")).auth["auth_url"] == "https://other"
    with pytest.raises(Denied, match="auth_url is missing"):
        read(file, options())


@pytest.mark.parametrize(
    ("without", "named"),
    [
        ("username", "username or user_id is missing"),
        ("password", "password is missing"),
        ("project_name", "project_name or project_id is missing"),
    ],
)
def test_a_missing_key_is_named(tmp_path: Path, without: str, named: str) -> None:
    file = as_json(tmp_path, {**PASSWORD, without: None})
    with pytest.raises(Denied, match=f"{file}: {named}: add it"):
        read(file, options())


def test_what_an_application_credential_lacks_is_named(tmp_path: Path) -> None:
    file = as_json(tmp_path, {**APPLICATION, "application_credential_secret": None})
    with pytest.raises(Denied, match="application_credential_secret is missing"):
        read(file, options())
    named = {**APPLICATION, "application_credential_id": None, "application_credential_name": "b"}
    with pytest.raises(Denied, match="username or user_id is missing"):
        read(as_json(tmp_path, named), options())
    assert read(as_json(tmp_path, {**named, "username": "burst"}), options()).application


@pytest.mark.parametrize("text", ["{", "- a\n- b\n", "password: s3cret: s3cret"])
def test_what_cannot_be_read_never_shows_the_secret(tmp_path: Path, text: str) -> None:
    with pytest.raises(Denied, match=r"project\.yaml") as caught:
        read(written(tmp_path, text), options())
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_misspelt_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(Denied, match="no such key: pasword"):
        read(as_json(tmp_path, {**PASSWORD, "pasword": "x"}), options())


def test_a_missing_file_and_an_unknown_kind_are_named(tmp_path: Path) -> None:
    with pytest.raises(Denied, match=r"none\.json: .* cannot be read: No such file"):
        read(tmp_path / "none.json", options())
    with pytest.raises(Denied, match=r"project\.ini: name the file"):
        read(written(tmp_path, "", ".ini"), options())


def test_a_secret_is_never_sent_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(Denied, match="write https://"):
        read(as_json(tmp_path, {**PASSWORD, "auth_url": "http://cloud.example.org"}), options())
    with pytest.raises(ValidationError, match="write https://"):
        options(auth_url="http://cloud.example.org")
    assert options(auth_url="http://127.0.0.1:5000").auth_url
