import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cloudhands.burst.providers.openstack import ADAPTER
from cloudhands.common.cloud import Cloud
from cloudhands.common.testing.openstack.control import ControlPlane, control_plane
from cloudhands.common.testing.openstack.tenancy import Project

# More than a call ever needs where nothing is wrong, however busy the machine is.
PATIENT = 60

Connect = Callable[..., Cloud]
MakeProject = Callable[..., Project]


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    """The control plane; it takes half a minute to start, and minutes the first time."""
    with control_plane() as running:
        yield running


@pytest.fixture(scope="session")
def make_project(plane: ControlPlane) -> MakeProject:
    """Makes a project that nobody else uses."""

    def made(**quota: int) -> Project:
        return plane.project(f"project-{uuid4()}", **quota)

    return made


@pytest.fixture
def connect(tmp_path: Path) -> Connect:
    """Connects a project's cloud."""

    def connected(project: Project, auth: Any = None, **others: Any) -> Cloud:
        file = tmp_path / f"{uuid4()}.json"
        file.write_text(json.dumps(auth or project.credentials), encoding="utf-8")
        told = {
            "credentials": str(file),
            "region": "RegionOne",
            "network": project.network,
            "external_network": "public",
            "timeout": PATIENT,
            **others,
        }
        return ADAPTER.connect("private", ADAPTER.Options.model_validate(told), tmp_path)

    return connected
