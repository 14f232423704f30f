"""What every cloud adapter must do: tests to be inherited by whoever writes one.

They come with `pip install 'cloudhands-common[testing]'`, which needs no other part of cloudhands.
In the adapter's own tests::

    from cloudhands.common.testing.contract import CloudContract, Trial

    class TestMyCloud(CloudContract):
        @pytest.fixture
        def trial(self) -> Trial:
            cloud = ADAPTER.connect("mine", ADAPTER.Options(...), Path("/nowhere"))
            return Trial(cloud, image="debian-12", size="m1.small", other_size="m1.large")

and then `pytest test_my_cloud.py`. Add `-k` to run a part: the names say what is tried.

* A test makes at most three servers, or as many as `capacity` says, under installations of its
  own, and deletes what it made, with the addresses that were taken. The cloud may hold anything
  else, unless `capacity` is given: then nobody else may use it meanwhile.
* What the cloud's `capabilities` do not offer is skipped, and the skip says so. Nothing else may be
  skipped but what the trial leaves open: `capacity`, `other_size`.
* Nothing is taken to happen at once: what shall come is waited for, for `limit` seconds at most,
  looked for every `poll` seconds. A call that answers `Temporary` is made again within the same
  time, as cloudhands does; any other failure counts.
"""

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite(
    *(f"{__name__}.{name}" for name in ("addresses", "changes", "power", "servers", "trial"))
)

from cloudhands.common.testing.contract.addresses import Addresses  # noqa: E402
from cloudhands.common.testing.contract.changes import Changes  # noqa: E402
from cloudhands.common.testing.contract.power import Power  # noqa: E402
from cloudhands.common.testing.contract.servers import Servers  # noqa: E402
from cloudhands.common.testing.contract.trial import Trial  # noqa: E402

__all__ = ["CloudContract", "Trial"]


class CloudContract(Servers, Power, Changes, Addresses):
    """Inherit from it, and give a `trial`."""

    @pytest.fixture
    def trial(self) -> Trial:
        """The cloud to be tried."""
        raise NotImplementedError("give a fixture 'trial' that makes a Trial")

    @pytest.fixture
    def at(self, trial: Trial) -> Iterator[Trial]:
        """The trial, its servers deleted afterwards."""
        yield trial
        trial.clear()
