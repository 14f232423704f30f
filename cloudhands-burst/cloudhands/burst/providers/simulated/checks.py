"""What a simulated cloud refuses since it can never do it."""

from cloudhands.burst.providers.simulated.options import Options
from cloudhands.common.cloud import Invalid, ServerSpec

USER_DATA_BYTES = 16_384


def spec(options: Options, asked: ServerSpec) -> None:
    """See that a server can be made so.

    :raises Invalid: if it cannot.
    """
    if asked.image not in options.images:
        raise Invalid(f"the cloud has no image {asked.image!r}")
    size(options, asked.size)
    if len(asked.user_data.encode()) > USER_DATA_BYTES:
        raise Invalid(f"the user data is longer than {USER_DATA_BYTES} bytes")


def size(options: Options, asked: str) -> None:
    """See that a size is known.

    :raises Invalid: if it is not.
    """
    if asked not in options.sizes:
        raise Invalid(f"the cloud has no size {asked!r}")
