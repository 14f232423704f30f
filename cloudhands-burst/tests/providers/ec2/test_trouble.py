from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cloudhands.burst.providers.ec2 import ADAPTER
from cloudhands.burst.providers.ec2.adapter import Ec2Cloud
from cloudhands.common.cloud import (
    CloudError,
    Denied,
    Full,
    Gone,
    Identity,
    Invalid,
    ServerSpec,
    Temporary,
)
from cloudhands.common.testing import ec2
from cloudhands.common.testing.ec2 import CREDENTIALS, Ec2
from cloudhands.common.testing.ec2_faults import Fault
from cloudhands.common.testing.ports import free_port

Connect = Callable[..., Ec2Cloud]


def spec() -> ServerSpec:
    identity = Identity(str(uuid4()), str(uuid4()), 1)
    return ServerSpec(identity, "ch-name", ec2.IMAGE, ec2.SIZE)


def test_a_server_whose_reply_was_lost_is_found(cloud: Ec2Cloud, server: Ec2) -> None:
    asked = spec()
    server.fail(Fault("RunInstances", effect=True, lost=True))
    with pytest.raises(Temporary, match="the connection broke"):
        cloud.create(asked)
    (found,) = cloud.find(asked.identity)
    assert cloud.observe(found.id).identity == asked.identity


def test_a_request_that_was_lost_makes_nothing(cloud: Ec2Cloud, server: Ec2) -> None:
    asked = spec()
    server.fail(Fault("RunInstances", lost=True))
    with pytest.raises(Temporary):
        cloud.create(asked)
    assert cloud.find(asked.identity) == []


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("InsufficientInstanceCapacity", 500, Full),
        ("VcpuLimitExceeded", 400, Full),
        ("InternalError", 500, Temporary),
        ("AuthFailure", 401, Denied),
        ("UnauthorizedOperation", 403, Invalid),
    ],
)
def test_refusals(
    cloud: Ec2Cloud, server: Ec2, code: str, status: int, kind: type[CloudError]
) -> None:
    server.fail(Fault("RunInstances", status=status, code=code, words="Not so."))
    before = server.asked()["RunInstances"]
    with pytest.raises(kind, match=rf"Not so \({code}\)"):
        cloud.create(spec())
    assert server.asked()["RunInstances"] - before == 1, "whoever calls tries again, not boto3"


def test_throttling_says_when_to_come_back(cloud: Ec2Cloud, server: Ec2) -> None:
    server.fail(Fault(status=503, code="RequestLimitExceeded", retry_after=17))
    with pytest.raises(Temporary, match="more often than it allows") as caught:
        cloud.find(spec().identity)
    assert caught.value.retry_after == 17


NO_ANSWERS = [
    Fault(status=200, body="<html>Welcome"),
    Fault(status=200, body=""),
    Fault(status=200, body="<a/>"),
    Fault(status=200, body="<?xml version='1.0'?><R><reservationSet><item/></reservationSet></R>"),
    Fault(status=400, body="Bad"),
    Fault(status=502, body="<html><body>Bad Gateway</body></html>"),
    Fault(lost=True),
]


@pytest.mark.parametrize("fault", NO_ANSWERS, ids=lambda fault: f"{fault.status} {fault.body}"[:20])
def test_an_answer_that_is_none_is_temporary_and_never_gone(
    cloud: Ec2Cloud, server: Ec2, fault: Fault
) -> None:
    looks: list[Callable[[], Any]] = [
        lambda: cloud.observe("i-00000000000000000"),
        lambda: cloud.stop("i-00000000000000000"),
        lambda: cloud.find(spec().identity),
        lambda: cloud.create(spec()),
        lambda: cloud.give_address("i-00000000000000000"),
        lambda: cloud.release(spec().identity),
        lambda: cloud.listed("x"),
        lambda: cloud.standing([ec2.IMAGE], []),
    ]
    for look in looks:
        server.fail(fault)
        with pytest.raises(Temporary) as caught:
            look()
        assert "<" not in str(caught.value), "a person reads it"
        server.mend()


@pytest.mark.parametrize(
    ("code", "status"), [("UnauthorizedOperation", 403), ("InvalidAction", 400)]
)
def test_a_quota_that_nobody_tells_is_left_out(
    cloud: Ec2Cloud, server: Ec2, code: str, status: int
) -> None:
    server.fail(Fault("DescribeAccountAttributes", status=status, code=code))
    assert cloud.standing([ec2.IMAGE], [ec2.SIZE]).quota == {}
    server.fail(Fault("DescribeInstanceTypes", status=status, code=code))
    with pytest.raises(Denied if status == 403 else Invalid):
        cloud.standing([ec2.IMAGE], [ec2.SIZE])


def test_an_answer_that_comes_too_late(connect: Connect, server: Ec2) -> None:
    cloud = connect(timeout=0.2, limit=5)
    server.fail(Fault("DescribeInstances", delay=1))
    with pytest.raises(Temporary, match="it did not answer in time"):
        cloud.find(spec().identity)


def test_many_slow_answers_are_too_slow_together(connect: Connect, server: Ec2) -> None:
    # After the first answer there is less left than a request may take.
    cloud = connect(timeout=30, limit=31.2)
    server.fail(Fault("DescribeAddresses", delay=0.3))
    with pytest.raises(Temporary, match=r"the cloud is slow: not done within 31\.2 s"):
        cloud.listed("nobody")


def test_nobody_is_there(connect: Connect) -> None:
    cloud = connect(endpoint_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Temporary, match="it cannot be reached"):
        cloud.observe("i-1")


def test_who_is_there_does_not_speak_tls(connect: Connect, server: Ec2) -> None:
    with pytest.raises(Temporary, match="it does not speak TLS"):
        connect(endpoint_url=server.url.replace("http:", "https:")).observe("i-1")


def test_one_that_was_just_made_is_not_gone(connect: Connect, server: Ec2) -> None:
    cloud, other = connect(), connect()
    server_id = cloud.create(spec()).id
    late = Fault("DescribeInstances", times=2, status=400, code="InvalidInstanceID.NotFound")
    server.fail(late)
    with pytest.raises(Temporary, match="has just made it"):
        cloud.observe(server_id)
    with pytest.raises(Gone):
        other.observe(server_id)
    assert cloud.observe(server_id).id == server_id


def test_a_listing_that_does_not_end(
    cloud: Ec2Cloud, server: Ec2, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudhands.burst.providers.ec2.api.MOST_PAGES", 3)
    body = "<R><reservationSet/><nextToken>again</nextToken></R>"
    server.fail(Fault("DescribeInstances", times=None, status=200, body=body))
    with pytest.raises(Temporary, match="does not end after 3 pages"):
        cloud.listed("nobody")


def test_a_listing_that_breaks_off_tells_nothing(connect: Connect, server: Ec2) -> None:
    cloud = connect(page_size=5)
    body = "<R><reservationSet/><nextToken>again</nextToken></R>"
    server.fail(
        Fault("DescribeInstances", status=200, body=body),
        Fault("DescribeInstances", status=503, code="Unavailable"),
    )
    with pytest.raises(Temporary, match="Unavailable"):
        cloud.listed("nobody")


def test_credentials_are_read_again_when_they_have_changed(server: Ec2, tmp_path: Path) -> None:
    options = ADAPTER.Options.model_validate(server.options(tmp_path, timeout=30, limit=60))
    cloud = ADAPTER.connect("public", options, tmp_path)
    cloud.find(spec().identity)
    file = tmp_path / "ec2-credentials"
    file.unlink()
    with pytest.raises(Denied, match=r"options\.credentials_file: .*ec2-credentials cannot be rea"):
        cloud.find(spec().identity)
    file.write_text(CREDENTIALS.replace("testing-key", "another"))
    cloud.find(spec().identity)
