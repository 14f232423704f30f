import pytest

from cloudhands.burst.providers.ec2.adapter import Ec2Cloud
from cloudhands.common.testing import ec2
from cloudhands.common.testing.contract import CloudContract, Trial


class TestEc2(CloudContract):
    @pytest.fixture
    def trial(self, cloud: Ec2Cloud) -> Trial:
        return Trial(cloud, image=ec2.IMAGE, size=ec2.SIZE, other_size=ec2.OTHER_SIZE)
