"""What an error of EC2 means to us: pure, by the error's code first, by the status otherwise."""

from cloudhands.common.cloud import CloudError, Denied, Full, Gone, Invalid, Temporary

# Where the cloud does not say when to come back.
THROTTLED_SECONDS = 5.0

_FULL = frozenset(
    {
        "AddressLimitExceeded",
        "InstanceLimitExceeded",
        "InsufficientAddressCapacity",
        "InsufficientCapacity",
        "InsufficientFreeAddressesInSubnet",
        "InsufficientHostCapacity",
        "InsufficientInstanceCapacity",
        "InsufficientReservedInstanceCapacity",
        "InsufficientVolumeCapacity",
        "MaxIOPSLimitExceeded",
        "NetworkInterfaceLimitExceeded",
        "PrivateIpAddressLimitExceeded",
        "VcpuLimitExceeded",
        "VolumeLimitExceeded",
    }
)
_THROTTLED = frozenset(
    {
        "EC2ThrottledException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
# What a later look may find otherwise: a state, or something that is not known everywhere yet.
_TEMPORARY = frozenset(
    {
        "ConcurrentModification",
        "DependencyViolation",
        "IncorrectInstanceState",
        "IncorrectState",
        "InternalError",
        "InternalFailure",
        "InvalidGroup.NotFound",
        "InvalidIPAddress.InUse",
        "InvalidInstanceID",
        "InvalidState",
        "RequestTimeout",
        "Resource.AlreadyAssociated",
        "ServiceUnavailable",
        "Unavailable",
    }
)
_DENIED = frozenset(
    {
        "AccountDisabled",
        "AuthFailure",
        "Blocked",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "MissingAuthenticationToken",
        "OptInRequired",
        "PendingVerification",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_NOT_ALLOWED = frozenset({"AccessDenied", "OperationNotPermitted", "UnauthorizedOperation"})
_GONE = frozenset({"InvalidInstanceID.Malformed", "InvalidInstanceID.NotFound"})
_CLOCK = frozenset({"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"})


def meaning(
    code: str,
    words: str,
    status: int,
    retry_after: float | None = None,
    *,
    looked: bool = False,
) -> CloudError:
    """The error that an answer of EC2 is for us; its sentence has the code.

    :param code: EC2's error code.
    :param words: EC2's message.
    :param status: the answer's HTTP status.
    :param retry_after: seconds that the answer asks to wait for.
    :param looked: whether we only wanted to look: what is not allowed then is no person's wish.
    """
    sentence = f"{words.strip().rstrip('.') or 'it gave no reason'} ({code or status})"
    if code in _THROTTLED or status == 429:
        asked = THROTTLED_SECONDS if retry_after is None else retry_after
        return Temporary(f"we ask more often than it allows: {sentence}", asked)
    if code in _CLOCK:
        return Temporary(f"our clock and the cloud's differ: {sentence}")
    if code in _FULL:
        return Full(sentence)
    if code in _DENIED or status == 401 or (looked and code in _NOT_ALLOWED):
        return Denied(sentence)
    if code in _GONE:
        return Gone(sentence)
    if code in _TEMPORARY or status == 408 or not 400 <= status < 500:
        return Temporary(sentence, retry_after)
    return Invalid(sentence)
