import pytest
from botocore.exceptions import ClientError, ParamValidationError, SSLError

from cloudhands.burst.providers.ec2 import errors
from cloudhands.burst.providers.ec2.api import translated
from cloudhands.common.cloud import CloudError, Denied, Full, Gone, Invalid, Temporary


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("InsufficientInstanceCapacity", 500, Full),
        ("InstanceLimitExceeded", 400, Full),
        ("VcpuLimitExceeded", 400, Full),
        ("AddressLimitExceeded", 400, Full),
        ("InsufficientFreeAddressesInSubnet", 400, Full),
        ("RequestLimitExceeded", 503, Temporary),
        ("Throttling", 400, Temporary),
        ("Unavailable", 503, Temporary),
        ("InternalError", 500, Temporary),
        ("IncorrectInstanceState", 400, Temporary),
        ("InvalidInstanceID", 400, Temporary),
        ("InvalidGroup.NotFound", 400, Temporary),
        ("RequestExpired", 400, Temporary),
        ("InvalidAMIID.NotFound", 400, Invalid),
        ("InvalidSubnetID.NotFound", 400, Invalid),
        ("UnauthorizedOperation", 403, Invalid),
        ("IdempotentParameterMismatch", 400, Invalid),
        ("AuthFailure", 401, Denied),
        ("AuthFailure", 403, Denied),
        ("SignatureDoesNotMatch", 403, Denied),
        ("InvalidClientTokenId", 403, Denied),
        ("ExpiredToken", 400, Denied),
        ("InvalidInstanceID.NotFound", 400, Gone),
        ("InvalidInstanceID.Malformed", 400, Gone),
        # What nobody has heard of goes by its status.
        ("NewFangledTrouble", 500, Temporary),
        ("NewFangledTrouble", 200, Temporary),
        ("NewFangledTrouble", 0, Temporary),
        ("NewFangledTrouble", 408, Temporary),
        ("NewFangledTrouble", 429, Temporary),
        ("NewFangledTrouble", 401, Denied),
        ("NewFangledTrouble", 400, Invalid),
        ("NewFangledTrouble", 403, Invalid),
    ],
)
def test_what_an_error_means(code: str, status: int, kind: type[CloudError]) -> None:
    error = errors.meaning(code, "The cloud's words.", status)
    assert type(error) is kind
    assert str(error).endswith(f"The cloud's words ({code})")


def test_who_may_not_even_look_has_the_wrong_credentials() -> None:
    error = errors.meaning("UnauthorizedOperation", "No.", 403, looked=True)
    assert type(error) is Denied


def test_an_error_without_words_or_code() -> None:
    assert str(errors.meaning("", "", 502)) == "it gave no reason (502)"


def test_who_is_throttled_waits_for_as_long_as_the_cloud_says() -> None:
    own, asked = (errors.meaning("RequestLimitExceeded", "", 503, wait) for wait in (None, 40.0))
    assert isinstance(own, Temporary)
    assert isinstance(asked, Temporary)
    assert (own.retry_after, asked.retry_after) == (errors.THROTTLED_SECONDS, 40)


@pytest.mark.parametrize("header", ["soon", "Wed, 21 Oct 2026 07:28:00 GMT", "", "nan"])
def test_a_header_that_cannot_be_read_is_none(header: str) -> None:
    meta = {"HTTPStatusCode": 503, "HTTPHeaders": {"retry-after": header}}
    told = {"Error": {"Code": "Unavailable", "Message": "?"}, "ResponseMetadata": meta}
    error = translated(ClientError(told, "RunInstances"))
    assert isinstance(error, Temporary)
    assert error.retry_after is None


def test_trouble_on_the_way_is_temporary_and_in_plain_words() -> None:
    error = translated(SSLError(endpoint_url="https://cloud", error="self-signed"))
    assert type(error) is Temporary
    assert str(error) == "its certificate cannot be verified, or it does not speak TLS"


def test_what_cannot_even_be_asked_is_invalid() -> None:
    assert type(translated(ParamValidationError(report="MinCount"))) is Invalid
