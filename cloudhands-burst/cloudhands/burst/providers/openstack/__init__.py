"""An OpenStack cloud: Nova for servers, Glance for images, Neutron for networks and addresses.

`errors` says what its refusals mean, `states` what its servers' words mean: both are tables. The
others each speak to one part of it; `cloud` puts them together as `cloudhands.common.cloud` wants.
"""

from cloudhands.burst.providers.openstack.adapter import ADAPTER

__all__ = ["ADAPTER"]
