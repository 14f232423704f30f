import pytest
import requests
from keystoneauth1 import exceptions as keystone
from openstack import exceptions as sdk

from cloudhands.burst.providers.openstack.errors import Busy, answering, meaning
from cloudhands.common.cloud import CloudError, Denied, Full, Gone, Invalid, Temporary

QUOTA = "Quota exceeded for instances: Requested 1, but already used 2 of 2 instances"
ADDRESSES = "Quota exceeded for resources: ['floatingip']."
USED_UP = "No more IP addresses available on network 1f0c."
RULE = "Policy doesn't allow os_compute_api:servers:create to be performed."
STATE = "Cannot 'start' instance 7d while it is in vm_state active"

TABLE = [
    (401, "The request you have made requires authentication.", Denied),
    (403, QUOTA, Full),
    (403, QUOTA.replace("instances", "cores"), Full),
    (413, "Quota exceeded for ram: Requested 512", Full),
    (409, ADDRESSES, Full),
    (409, USED_UP, Full),
    (400, "No valid host was found. No valid host found for resize", Full),
    (403, RULE, Invalid),
    (400, "Invalid flavorRef provided.", Invalid),
    (405, "The method specified is not allowed", Invalid),
    (501, "Unable to get console", Invalid),
    (404, "Instance 7d could not be found.", Gone),
    (409, STATE, Busy),
    (408, "", Temporary),
    (413, "This request was rate-limited.", Temporary),
    (429, "Too Many Requests", Temporary),
    (500, "Unexpected API Error.", Temporary),
    (500, f"the scheduler said: {QUOTA}", Temporary),
    (503, "", Temporary),
    (504, "", Temporary),
    (302, "moved", Temporary),
    (None, "", Temporary),
]


@pytest.mark.parametrize(("status", "words", "kind"), TABLE)
def test_what_an_answer_means(status: int | None, words: str, kind: type[CloudError]) -> None:
    assert type(meaning(status, words, missing=Gone)) is kind


def test_who_is_told_depends_on_who_asked() -> None:
    assert type(meaning(404, "no network", missing=Denied)) is Denied
    assert type(meaning(403, RULE, refused=Denied)) is Denied
    assert type(meaning(404, "no image")) is Invalid


def test_the_clouds_own_words_are_told_in_one_line_of_bounded_length() -> None:
    said = str(meaning(400, "one\n  two " + "x" * 1_000))
    assert said.startswith("one two xxx")
    assert len(said) == 300


def test_when_it_would_be_asked_again_is_heard() -> None:
    response = requests.Response()
    response.status_code = 429
    response.headers["Retry-After"] = "17"
    with pytest.raises(Temporary) as caught, answering():
        raise sdk.HttpException("slow down", response)
    assert caught.value.retry_after == 17


@pytest.mark.parametrize(
    ("raised", "kind", "words"),
    [
        (keystone.Unauthorized("no"), Denied, "credentials are refused"),
        (keystone.NotFound("no such version"), Denied, "no such version"),
        (keystone.ServiceUnavailable("later"), Temporary, "in trouble"),
        (keystone.ConnectTimeout("10 s"), Temporary, "did not answer in time"),
        (keystone.ConnectFailure("refused"), Temporary, "cannot be reached"),
        (keystone.SSLError("self-signed"), Denied, "ca_file"),
        (keystone.EndpointNotFound("compute"), Denied, "region, interface"),
        (requests.exceptions.ChunkedEncodingError("cut"), Temporary, "cannot be reached"),
        (sdk.InvalidResponse("odd"), Temporary, "unclear"),
        (KeyError("servers"), Temporary, "not what its API promises: it has no servers"),
        (ValueError("not JSON"), Temporary, "not what its API promises"),
        (requests.JSONDecodeError("no", "<html>", 0), Temporary, "promises: it is no JSON"),
    ],
)
def test_what_the_client_raises_means(
    raised: Exception, kind: type[CloudError], words: str
) -> None:
    with pytest.raises(CloudError, match=words) as caught, answering():
        raise raised
    assert type(caught.value) is kind
