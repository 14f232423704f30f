"""Every error that cloudhands raises on purpose, in one tree.

::

    CloudhandsError
    |-- ConfigurationError        an operator has to mend something before the program can run
    |   |-- SettingsError         a settings key: names key, source and remedy
    |   |-- PluginError           an entry point: names plugin, group and remedy
    |   |-- DatabaseError         the database cannot be used as it is
    |   `-- BundleError           a release's bundle is not what was built, or does not fit here
    |-- Refused                   what a person asked for is not done; nothing was changed
    |   |-- Unauthenticated       nobody is signed in
    |   |-- NotFound              there is no such thing, or this person may not see it
    |   |-- Forbidden             the person sees it, but may not do this
    |   |-- Conflict              its present state does not allow it
    |   |-- Outdated              somebody else changed it since it was looked at
    |   |-- KeyReused             an idempotency key came with another request before
    |   |-- LimitReached          an agreed limit is used up
    |   |-- TooManyAttempts       asked too often
    |   `-- InvalidInput          a field is wrong: names each field
    |-- ClaimLost                 another worker holds the artifact now
    |-- VerificationFailed        history is not as it was written
    |-- DeploymentError           a release could not be put in place
    |-- DirectoryError            the LDAP directory cannot answer
    `-- IndexUnavailable          there is no search index to read yet

What a cloud answers has a closed vocabulary of its own: `cloudhands.common.cloud.CloudError`.
The sentence of a `Refused` is shown to the person; it holds no secret and no markup.
"""

from collections.abc import Mapping


class CloudhandsError(Exception):
    """The root: anything that cloudhands raises on purpose."""


class ConfigurationError(CloudhandsError):
    """An operator has to mend something before the program can run."""


class SettingsError(ConfigurationError):
    """A settings key is missing, unknown or wrong."""


class PluginError(ConfigurationError):
    """An entry point is missing, ambiguous or cannot be loaded."""


class DatabaseError(ConfigurationError):
    """The database cannot be used as it is."""


class BundleError(ConfigurationError):
    """A release's bundle is not what was built, or does not fit this host."""


class Refused(CloudhandsError):
    """What a person asked for is not done, and nothing was changed."""


class Unauthenticated(Refused):
    """Nobody is signed in."""


class NotFound(Refused):
    """There is no such thing, or this person may not see it."""


class Forbidden(Refused):
    """The person sees it, but may not do this."""


class Conflict(Refused):
    """The present state does not allow it."""


class Outdated(Refused):
    """Somebody else changed it since it was looked at."""


class KeyReused(Refused):
    """An idempotency key came with another request before."""


class LimitReached(Refused):
    """An agreed limit is used up."""


class TooManyAttempts(Refused):
    """Asked too often; `retry_after` says in how many seconds to try again."""

    def __init__(self, sentence: str, retry_after: float) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class InvalidInput(Refused):
    """At least one field is wrong; `fields` has a sentence for each."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {why}" for name, why in fields.items()))
        self.fields = dict(fields)


class ClaimLost(CloudhandsError):
    """Another worker holds the artifact now; what was seen must not be recorded."""


class VerificationFailed(CloudhandsError):
    """History is not as it was written."""


class DeploymentError(CloudhandsError):
    """A release could not be put in place; the message says what serves now."""


class DirectoryError(CloudhandsError):
    """The LDAP directory cannot answer."""


class IndexUnavailable(CloudhandsError):
    """There is no search index to read yet."""
