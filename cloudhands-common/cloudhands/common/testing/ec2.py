"""A real EC2 API on loopback, moto's, that can be told to fail: in a process of its own.

It forgets everything when it stops. Nobody checks a signature; images and sizes are checked, as
the real one does. What moto cannot do is asked of `ec2_faults`::

    with ec2() as server:
        server.fail(Fault("RunInstances", status=503, code="InsufficientInstanceCapacity"))

``python -m cloudhands.common.testing.ec2 --port 5000`` serves it until SIGTERM.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from pathlib import Path

from cloudhands.common.testing import ec2_faults
from cloudhands.common.testing.ec2_faults import Fault
from cloudhands.common.testing.ports import LOOPBACK, answers, free_port
from cloudhands.common.testing.processes import Process, running

REGION = "eu-west-1"
SIZE = "t3.micro"
OTHER_SIZE = "t3.small"
# The images and their owner are among those that moto begins with.
IMAGE = "ami-785db401"
IMAGE_NAME = "ubuntu/images/hvm-ssd/ubuntu-xenial-16.04-amd64-server-20170721"
IMAGE_OWNER = "099720109477"

ENVIRONMENT = {
    "MOTO_ENABLE_AMI_VALIDATION": "true",
    "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
}
CREDENTIALS = """\
[default]
aws_access_key_id = testing-key
aws_secret_access_key = testing-secret
"""


@dataclass(frozen=True)
class Ec2:
    """A running EC2 API.

    :param port: where it listens on 127.0.0.1.
    :param process: to stop, kill or read it.
    """

    port: int
    process: Process

    @property
    def url(self) -> str:
        """Its endpoint."""
        return f"http://{LOOPBACK}:{self.port}"

    def options(self, folder: Path, **others: object) -> dict[str, object]:
        """The options of a provider of the kind `ec2` for it.

        :param folder: where the credentials are written.
        :param others: options besides, or other ones.
        """
        file = folder / "ec2-credentials"
        file.write_text(CREDENTIALS, encoding="utf-8")
        told = {"region": REGION, "endpoint_url": self.url, "credentials_file": str(file)}
        return {**told, **others}

    def fail(self, *planned: Fault) -> None:
        """Have these faults happen, besides those that are still to happen."""
        self._ask("POST", json.dumps([asdict(fault) for fault in planned]))

    def mend(self) -> None:
        """Have no fault happen any more."""
        self._ask("DELETE")

    def asked(self) -> Mapping[str, int]:
        """How often each action was asked for since the beginning."""
        counts: Mapping[str, int] = json.loads(self._ask("GET"))
        return counts

    def _ask(self, method: str, body: str | None = None) -> bytes:
        status, told = _asked(self.port, method, ec2_faults.PATH, body)
        if status != 200:
            raise ValueError(f"{method} {ec2_faults.PATH}: {status} {told.decode()}")
        return told


@contextmanager
def ec2() -> Iterator[Ec2]:
    """An EC2 API that answers inside the block.

    :raises ProcessError: if it does not start; the message has its words.
    """
    port = free_port()
    argv = [sys.executable, "-m", __name__, "--port", str(port)]
    with running(argv, ready=lambda: _warm(port), environment=ENVIRONMENT) as process:
        yield Ec2(port, process)


def _warm(port: int) -> bool:
    """Whether it answers, and has loaded what its first answers take seconds for."""
    if not answers(port):
        return False
    signed = f"AWS4-HMAC-SHA256 Credential=key/20200101/{REGION}/ec2/aws4_request, Signature=0"
    headers = {"Authorization": signed, "Content-Type": "application/x-www-form-urlencoded"}
    body = f"Action=DescribeImages&Version=2016-11-15&ImageId.1={IMAGE}"
    return _asked(port, "POST", "/", body, headers)[0] == 200


def _asked(
    port: int, method: str, path: str, body: str | None, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    connection = HTTPConnection(LOOPBACK, port, timeout=30)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def main(argv: Sequence[str] | None = None) -> None:
    """Serve what the arguments name."""
    arguments = argparse.ArgumentParser(prog="ec2", description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    # Here, since nobody else needs the second and the memory that it takes.
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import run_simple

    moto = DomainDispatcherApplication(create_backend_app)
    run_simple(
        LOOPBACK,
        arguments.parse_args(argv).port,
        ec2_faults.Faulty(moto),
        threaded=True,
        request_handler=MotoRequestHandler,
    )


if __name__ == "__main__":
    main()
