"""The contract between cloudhands and a cloud's adapter.

An adapter is a folder under `cloudhands/burst/providers/` or a third party's package that needs
`cloudhands-common` alone. Values that cross this border are frozen; failures are a small closed
vocabulary, so that the reconciler can decide without knowing any cloud. The contract's tests are
`cloudhands.common.testing.contract`.

::

    CloudError
    |-- Temporary   try again, after `retry_after` seconds where the cloud said so
    |-- Full        no capacity or quota: try the next cloud
    |-- Invalid     this request can never succeed: tell the person
    |-- Denied      our credentials are refused: tell the operator, pause the provider
    `-- Gone        that server does not exist; only ever from a direct look-up
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel

from cloudhands.common.errors import CloudhandsError

GROUP = "cloudhands.providers"


class CloudError(CloudhandsError):
    """A cloud did not do what it was asked. The sentence is fit for a person to read."""


class Temporary(CloudError):
    """Trouble that may pass: the call may or may not have taken effect."""

    def __init__(self, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class Full(CloudError):
    """No capacity or quota there now."""


class Invalid(CloudError):
    """This request can never succeed."""


class Denied(CloudError):
    """The credentials are refused."""


class Gone(CloudError):
    """The server that was looked up does not exist."""


class ServerState(StrEnum):
    """What a cloud says of a server, in our words."""

    BUILDING = "building"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    STARTING = "starting"
    REBOOTING = "rebooting"
    RESIZING = "resizing"
    DELETING = "deleting"
    FAILED = "failed"


@dataclass(frozen=True)
class Identity:
    """Who a server belongs to; it stands in its name and tags.

    :param installation: which cloudhands made it; only one's own is ever touched.
    :param appliance: the appliance's uuid.
    :param generation: rises with every retry, so that a late twin of an earlier try is known.
    """

    installation: str
    appliance: str
    generation: int


@dataclass(frozen=True)
class ServerSpec:
    """What to create.

    :param name: for people who look at the cloud's own console.
    :param image: the cloud's own name or id of the image.
    :param size: the cloud's own name or id of the size.
    :param authorized_keys: OpenSSH public keys that may sign in.
    :param user_data: cloud-init text, at most 16 KB; may be empty.
    :param external_address: whether it shall be reached from outside.
    """

    identity: Identity
    name: str
    image: str
    size: str
    authorized_keys: Sequence[str] = ()
    user_data: str = ""
    external_address: bool = False


@dataclass(frozen=True)
class Address:
    """An IP address that a server holds, and the network that it is unique in.

    :param external: whether it is the one that the server is reached at from outside.
    """

    network: str
    address: str
    external: bool = False


@dataclass(frozen=True)
class Server:
    """A server as the cloud tells of it now.

    :param id: the cloud's own id, used for every later call.
    :param size: the cloud's own name of the size that it has now, as `ServerSpec` gave it; empty
        where the cloud does not tell.
    :param problem: the cloud's words, where the state is FAILED.
    :param full: whether it FAILED since the cloud had no room for it: another may have.
    """

    id: str
    identity: Identity
    state: ServerState
    addresses: tuple[Address, ...] = ()
    size: str = ""
    problem: str = ""
    full: bool = False
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def external(self) -> bool:
        """Whether it has an address that it is reached at from outside."""
        return any(address.external for address in self.addresses)


@dataclass(frozen=True)
class Held:
    """An address that was taken for an appliance: with a server, or left over without one."""

    identity: Identity
    address: Address


@dataclass(frozen=True)
class Listing:
    """What bears an installation's id at a cloud; with holes: what is missing may still live."""

    servers: Sequence[Server]
    held: Sequence[Held] = ()


@dataclass(frozen=True)
class Room:
    """How much of one thing our credentials may use there, and how much is used, by anybody."""

    used: int
    limit: int


@dataclass(frozen=True)
class Standing:
    """What a cloud says of our credentials when it is asked whether it could be used.

    :param missing_images: which of the images asked about it does not have.
    :param missing_sizes: which of the sizes asked about it does not have.
    :param quota: by what is counted (the names of `limits.Amounts`); what the cloud does not tell,
        or does not limit, is left out.
    """

    missing_images: Sequence[str] = ()
    missing_sizes: Sequence[str] = ()
    quota: Mapping[str, Room] = field(default_factory=dict)


@dataclass(frozen=True)
class Capabilities:
    """What a cloud can do beyond create, observe, start, stop and delete.

    :param addresses: whether it can give an address that is reached from outside.
    """

    resize: bool = False
    reboot: bool = False
    console: bool = False
    addresses: bool = False


class Cloud(Protocol):
    """One cloud, ready to be called; shared among threads.

    Every method may raise `Temporary` or `Denied`. None may block for longer than the
    adapter's own time limit, which must be shorter than half a claim (`burst.claim` in the
    settings): a claim is renewed before a server is asked for, and what the call brings is to be
    written down, or cleared away, before another worker may take the appliance over.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What it can do beyond what every cloud can."""

    def find(self, identity: Identity) -> Sequence[Server]:
        """Every server that bears this identity, found by tag; several are duplicates."""

    def observe(self, server_id: str) -> Server:
        """Look one server up directly.

        :raises Gone: if it does not exist.
        """

    def listed(self, installation: str) -> Listing:
        """Everything that bears an installation's id, in as few calls as the cloud allows."""

    def standing(self, images: Collection[str], sizes: Collection[str]) -> Standing:
        """Whether our credentials are good, what of these it has, and what of the quota is used.

        :param images: names or ids as the catalogue gives them.
        :param sizes: likewise.
        """

    def create(self, spec: ServerSpec) -> Server:
        """Ask for a server. The caller has looked with `find` first.

        :raises Full: if there is no capacity or quota.
        :raises Invalid: if image, size or user data cannot be used there.
        """

    def start(self, server_id: str) -> None:
        """Ask a stopped server to run; no effect on one that runs.

        :raises Gone: if it does not exist.
        """

    def stop(self, server_id: str) -> None:
        """Ask a running server to stop; no effect on one that is stopped.

        :raises Gone: if it does not exist.
        """

    def delete(self, server_id: str) -> None:
        """Ask for a server to be deleted; it is deleted once `observe` raises `Gone`.

        :raises Gone: if it does not exist any more.
        """

    def give_address(self, server_id: str) -> None:
        """See that a running server has an address that it is reached at from outside.

        No effect on one that has; one that was taken for the same identity before is used first.
        Only where `capabilities.addresses` is set and the server was created with
        `external_address`; a cloud that gives it by itself need do nothing.

        :raises Gone: if the server does not exist.
        :raises Full: if there is none left.
        """

    def release(self, identity: Identity) -> None:
        """Give back all but servers that was taken under an identity: its addresses.

        For when no server bears the identity any more; no effect where nothing is left.
        """

    def reboot(self, server_id: str) -> None:
        """Ask a running server to start anew; only where `capabilities.reboot` is set.

        :raises Gone: if it does not exist.
        """

    def resize(self, server_id: str, size: str) -> None:
        """Ask a stopped server to have another size; only where `capabilities.resize` is set.

        It is done once `observe` tells the size and STOPPED. While it tells RESIZING it may be
        asked again, which carries on what needs a second step.

        :raises Gone: if it does not exist.
        :raises Full: if there is no room for that size; the server keeps the one that it has.
        :raises Invalid: if the size cannot be used there.
        """

    def console(self, server_id: str) -> str:
        """The last lines that the server wrote to its console; where `capabilities.console` is set.

        :raises Gone: if it does not exist.
        """


class Adapter(Protocol):
    """What a provider's folder or plugin offers: its options and how to make a `Cloud`."""

    Options: ClassVar[type[BaseModel]]

    def connect(self, name: str, options: Any, state: Path) -> Cloud:
        """Make the cloud named so in the settings; makes no call yet.

        :param name: the provider's name in the settings.
        :param options: an instance of `Options`.
        :param state: the folder that relative paths among the options are below.
        """
