from pathlib import Path

import pytest

from cloudhands.burst.providers.simulated import ADAPTER
from cloudhands.common.testing.contract import CloudContract, Trial


class TestSimulated(CloudContract):
    @pytest.fixture
    def trial(self, tmp_path: Path) -> Trial:
        options = ADAPTER.Options(
            file="clouds/private.db",
            capacity=3,
            images=["debian-12"],
            sizes=["m1.small"],
            boot_seconds=0.05,
            stop_seconds=0.05,
            delete_seconds=0.05,
        )
        cloud = ADAPTER.connect("private", options, tmp_path)
        return Trial(cloud, image="debian-12", size="m1.small", capacity=3)
