import base64
import subprocess

import pytest

from cloudhands.common.account import keys
from cloudhands.common.account.keys import NewKey, PublicKey
from cloudhands.common.errors import Conflict, InvalidInput, LimitReached, NotFound
from cloudhands.common.forms import parse
from cloudhands.common.history import latest
from cloudhands.common.testing.factories import KEY, NOON, Factory
from cloudhands.common.testing.programs import require


def made_up(kind="ssh-ed25519", seed=0):
    blob = len(kind).to_bytes(4, "big") + kind.encode() + b"\0\0\0\x20" + bytes([seed] * 32)
    return f"{kind} {base64.b64encode(blob).decode()}"


@pytest.mark.parametrize("kind", keys.TYPES)
def test_every_type(kind):
    key = PublicKey.parse(f"{made_up(kind)} somebody@laptop\n")
    assert key.line == made_up(kind)


@pytest.mark.parametrize(("kind", "bits"), [("ed25519", "256"), ("ecdsa", "384"), ("rsa", "2048")])
def test_the_fingerprint_is_what_ssh_keygen_prints(tmp_path, kind, bits):
    file = tmp_path / "key"
    program = str(require("ssh-keygen", "openssh-client"))
    make = [program, "-q", "-t", kind, "-b", bits, "-N", "", "-f", str(file)]
    subprocess.run(make, check=True)
    show = [program, "-l", "-f", f"{file}.pub"]
    printed = subprocess.run(show, check=True, capture_output=True, text=True).stdout
    key = PublicKey.parse(file.with_suffix(".pub").read_text())
    assert key.fingerprint == printed.split()[1]
    with pytest.raises(ValueError, match="private key"):
        PublicKey.parse(file.read_text())


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("", "starts with one of"),
        ("ssh-dss AAAA", "starts with one of"),
        ("ssh-ed25519", "starts with one of"),
        ("ssh-ed25519 é", "not base64"),
        ("ssh-ed25519 AAA", "not base64"),
        ("ssh-ed25519 AAAA", "does not hold the type"),
        (made_up()[:-24], "a part of it is missing"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "a part of it is missing"),
        ("ssh-rsa AAAAB3NzaC1yc2E=", "a part of it is missing"),
        (made_up("ssh-rsa").replace("ssh-rsa", "ssh-ed25519"), "does not hold the type"),
    ],
)
def test_what_is_no_key(line, sentence):
    with pytest.raises(ValueError, match=sentence):
        PublicKey.parse(line)


def test_a_form_says_it_in_the_field():
    with pytest.raises(InvalidInput) as caught:
        parse(NewKey, {"label": "x", "key": "nonsense"})
    assert set(caught.value.fields) == {"key"}


def test_adding_and_removing(database):
    with database.writing() as session:
        user = Factory(session).user()
        added = keys.add_key(session, user, NewKey(label="laptop", key=KEY), NOON)
        session.flush()
        with pytest.raises(Conflict, match="already"):
            keys.add_key(session, user, NewKey(label="again", key=f"{KEY} comment"), NOON)
        keys.remove_key(session, user, added.uuid, NOON)
        session.flush()
        assert keys.of_user(session, user) == []
        whys = [event.why.split()[0] for event in latest(session, user.uuid)]
    assert whys == ["removed", "added", "made"]


def test_somebody_elses_key_is_not_there(database):
    with database.writing() as session:
        make = Factory(session)
        one, other = make.user(), make.user()
        added = keys.add_key(session, one, NewKey(label="laptop", key=KEY), NOON)
        session.flush()
        with pytest.raises(NotFound):
            keys.remove_key(session, other, added.uuid, NOON)
        assert len(keys.of_user(session, one)) == 1


def test_two_people_may_have_the_same_key(database):
    with database.writing() as session:
        make = Factory(session)
        for user in (make.user(), make.user()):
            keys.add_key(session, user, NewKey(label="shared", key=KEY), NOON)
            session.flush()
            assert [key.key for key in keys.of_user(session, user)] == [KEY]


def test_not_without_end(database):
    with database.writing() as session:
        user = Factory(session).user()
        for seed in range(keys.MAX_KEYS):
            keys.add_key(session, user, NewKey(label="x", key=made_up(seed=seed)), NOON)
            session.flush()
        with pytest.raises(LimitReached):
            keys.add_key(session, user, NewKey(label="x", key=made_up(seed=200)), NOON)
