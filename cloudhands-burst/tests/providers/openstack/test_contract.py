"""The contract's suite on a real control plane."""

from collections.abc import Callable
from typing import Any

import pytest

from cloudhands.common.testing.contract import CloudContract, Trial
from cloudhands.common.testing.openstack.tenancy import IMAGE, MEDIUM, SMALL, Project

# The first one waits for the control plane, too.
pytestmark = [pytest.mark.openstack, pytest.mark.timeout(600)]

CAPACITY = 3


@pytest.fixture(scope="module")
def project(make_project: Callable[..., Project]) -> Project:
    return make_project(instances=CAPACITY)


class TestOpenStack(CloudContract):
    @pytest.fixture
    def trial(self, project: Project, connect: Callable[..., Any]) -> Trial:
        return Trial(
            connect(project),
            image=IMAGE,
            size=SMALL,
            other_size=MEDIUM,
            capacity=CAPACITY,
            limit=120,
            poll=0.2,
        )
