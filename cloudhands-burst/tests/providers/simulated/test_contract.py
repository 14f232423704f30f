from pathlib import Path

import pytest

from cloudhands.burst.guard import Guarded
from cloudhands.burst.providers.simulated import ADAPTER
from cloudhands.common.testing.contract import CloudContract, Trial

SECONDS = {f"{what}_seconds": 0.02 for what in ("boot", "stop", "reboot", "resize", "delete")}


class TestSimulated(CloudContract):
    @pytest.fixture
    def trial(self, tmp_path: Path) -> Trial:
        options = ADAPTER.Options(
            file="clouds/private.db",
            capacity=3,
            images=["debian-12"],
            sizes=["m1.small", "m1.large"],
            **SECONDS,
        )
        cloud = ADAPTER.connect("private", options, tmp_path)
        return Trial(cloud, "debian-12", "m1.small", other_size="m1.large", capacity=3, poll=0.01)


class TestSimulatedWithTrouble(CloudContract):
    """Trouble that may pass, late sightings and lost replies change nothing of what it must do."""

    @pytest.fixture
    def trial(self, tmp_path: Path) -> Trial:
        options = ADAPTER.Options(
            file="clouds/private.db",
            images=["debian-12"],
            sizes=["m1.small", "m1.large"],
            faults={
                "seed": 5,
                "temporary": {"any": 0.2},
                "timeout_before": {"any": 0.02},
                "timeout_after": {"observe": 0.02},
                "timeout_seconds": 0.01,
                "lost": {"stop": 0.2, "start": 0.2, "resize": 0.2, "give_address": 0.2},
                "strange": {"find": 0.1, "listed": 0.1},
                "late": 0.3,
                "late_seconds": 0.02,
                "slow_deletion": 0.3,
                "slow_seconds": 0.05,
                "holes": 0.1,
            },
            **SECONDS,
        )
        cloud = Guarded(ADAPTER.connect("private", options, tmp_path), "private")
        return Trial(cloud, "debian-12", "m1.small", other_size="m1.large", poll=0.01)
