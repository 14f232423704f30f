"""Whether this process lives and can be used: for supervision, load balancers and deployments.

``/health/live`` touches nothing: a process that does not answer it should be started again.
``/health/ready`` is 200 if the process can do its work, and 503 while it cannot or is ending:
requests should then go elsewhere, but starting it again would not help.
"""

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    """Register the two resources."""
    config.add_route("live", "/health/live")
    config.add_route("ready", "/health/ready")
    config.scan("cloudhands.web.pages.health")
