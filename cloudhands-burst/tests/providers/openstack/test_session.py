"""What needs no cloud: how long a call takes where nobody answers, and what an operator mends."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudhands.burst.providers.openstack import ADAPTER
from cloudhands.common.cloud import Cloud, Denied, Identity, Invalid, ServerSpec, Temporary

IDENTITY = Identity("installation", "appliance", 1)
SPEC = ServerSpec(IDENTITY, "name", "image", "size")


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of somebody who takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def connected(folder: Path, port: int, **options: Any) -> Cloud:
    written(folder, port)
    given = {"credentials": "project.json", "network": "private", "timeout": 0.2, **options}
    return ADAPTER.connect("private", ADAPTER.Options.model_validate(given), folder)


def written(folder: Path, port: int) -> None:
    auth = {"username": "burst", "password": "s3cret", "project_name": "research"}
    auth_url = {"auth_url": f"http://127.0.0.1:{port}/v3"}
    (folder / "project.json").write_text(json.dumps({**auth, **auth_url}), encoding="utf-8")


def test_a_cloud_that_does_not_answer_holds_nobody_up(tmp_path: Path, silent: int) -> None:
    cloud = connected(tmp_path, silent, external_network="public")
    for call in (
        lambda: cloud.find(IDENTITY),
        lambda: cloud.observe("id"),
        lambda: cloud.listed("installation"),
        lambda: cloud.standing(["image"], ["size"]),
        lambda: cloud.create(SPEC),
        lambda: cloud.delete("id"),
        lambda: cloud.release(IDENTITY),
    ):
        with pytest.raises(Temporary, match="did not answer in time") as caught:
            call()
        assert "s3cret" not in str(caught.value)


def test_a_cloud_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Temporary, match="cannot be reached"):
        connected(tmp_path, port).observe("id")


def test_a_file_of_credentials_that_was_mended_is_read_again(tmp_path: Path, silent: int) -> None:
    cloud = connected(tmp_path, silent)
    (tmp_path / "project.json").unlink()
    with pytest.raises(Denied, match=r"project\.json: .* cannot be read"):
        cloud.observe("id")
    written(tmp_path, silent)
    with pytest.raises(Temporary):
        cloud.observe("id")


def test_too_much_user_data_is_not_even_sent(tmp_path: Path) -> None:
    spec = ServerSpec(IDENTITY, "name", "image", "size", user_data="x" * 16_385)
    with pytest.raises(Invalid, match="longer than 16384 bytes"):
        connected(tmp_path, 1).create(spec)


def test_addresses_are_offered_where_they_can_be_had(tmp_path: Path) -> None:
    assert not connected(tmp_path, 1).capabilities.addresses
    assert connected(tmp_path, 1, external_network="public").capabilities.addresses
