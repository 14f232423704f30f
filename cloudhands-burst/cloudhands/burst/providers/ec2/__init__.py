"""Amazon's EC2, and every cloud that speaks its API: for overflow to public clouds.

What EC2 promises late, it promises here: what was just made may not be found for some seconds,
and an address that a subnet gives by itself goes when a server stops. The one that a server is
reached at from outside is an elastic one, taken and given back here.
"""

from cloudhands.burst.providers.ec2.adapter import ADAPTER

__all__ = ["ADAPTER"]
