"""What an answer of OpenStack that is not the one hoped for means: a table, and who is told.

The status alone does not tell: 403 is a quota or a rule, 409 a quota or a state, 400 may be a lack
of room. So the services' own words are read too.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import requests
from keystoneauth1 import exceptions as keystone
from openstack import exceptions as sdk

from cloudhands.common.cloud import CloudError, Denied, Full, Invalid, Temporary

log = logging.getLogger(__name__)

NO_HOST = "no valid host was found"
FULL = (
    "quota exceeded",
    "exceeded for quota",
    "over quota",
    "no more ip addresses",
    NO_HOST,
)
WORDS = 300
UNPROMISED = "the cloud's answer is not what its API promises"
ODD = (LookupError, TypeError, ValueError, AttributeError)


class Busy(Temporary):
    """What was asked does not fit the state that the thing is in now."""


def meaning(
    status: int | None,
    words: str,
    *,
    missing: type[CloudError] = Invalid,
    refused: type[CloudError] = Invalid,
    retry_after: float | None = None,
) -> CloudError:
    """What an HTTP error means.

    :param status: the HTTP status, None if there was none.
    :param words: what the service said.
    :param missing: what it means that something is not there.
    :param refused: what it means that a request is malformed or against a rule.
    :param retry_after: in how many seconds the service would be asked again.
    """
    said = _short(words)
    if status is not None and 400 <= status < 500 and any(word in words.lower() for word in FULL):
        return Full(said)
    match status:
        case 401:
            return Denied(f"the credentials are refused: {said}")
        case 404:
            return missing(said)
        case 409:
            return Busy(said)
        case 408 | 413 | 429:
            return Temporary(f"asked too often: {said}", retry_after)
        case 400 | 403 | 405 | 406 | 410 | 411 | 415 | 422 | 501:
            return refused(said)
    if status is not None and status >= 500:
        return Temporary(f"the cloud is in trouble (status {status}): {said}", retry_after)
    return Temporary(f"the cloud answered with status {status}, which it never should: {said}")


@contextmanager
def answering(
    *, missing: type[CloudError] = Invalid, refused: type[CloudError] = Invalid
) -> Iterator[None]:
    """Turn what the client raises within the block into a `CloudError`; see `meaning`.

    :raises CloudError: what the client's error means.
    """
    try:
        yield
    except sdk.HttpException as error:
        words = str(error.details or error.message)
        wait = _retry_after(error.response)
        meant = meaning(
            error.status_code, words, missing=missing, refused=refused, retry_after=wait
        )
        raise meant from error
    except keystone.HttpError as error:
        # Raised while a token is fetched: what is missing or refused there are the credentials.
        raise meaning(
            error.http_status, str(error.message), missing=Denied, refused=Denied
        ) from error
    except keystone.SSLError as error:
        raise Denied(
            f"its certificate cannot be verified (option ca_file): {_short(str(error))}"
        ) from error
    except keystone.ConnectTimeout as error:
        raise Temporary("the cloud did not answer in time") from error
    except requests.JSONDecodeError as error:
        raise Temporary(f"{UNPROMISED}: it is no JSON") from error
    except (keystone.ConnectionError, requests.RequestException) as error:
        raise Temporary(f"the cloud cannot be reached: {_short(str(error))}") from error
    except keystone.CatalogException as error:
        raise Denied(
            f"the cloud offers no such service (options region, interface): {_short(str(error))}"
        ) from error
    except (keystone.ClientException, sdk.SDKException) as error:
        raise Temporary(f"the cloud's answer is unclear: {_short(str(error))}") from error
    except ODD as error:
        log.debug("an answer of the cloud could not be read", exc_info=True)
        raise Temporary(f"{UNPROMISED}: {_lack(error)}") from error


def _lack(error: Exception) -> str:
    """What an answer lacks, as far as the client's stumbling tells."""
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]}"
    return f"it cannot be made sense of ({type(error).__name__})"


def _retry_after(response: requests.Response | None) -> float | None:
    said = response.headers.get("Retry-After", "") if response is not None else ""
    # It may be a date, which is not worth another clock's mistakes.
    return float(said) if said.isdigit() else None


def _short(words: str) -> str:
    return " ".join(words.split())[:WORDS] or "it does not say why"
