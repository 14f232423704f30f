import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from cloudhands.common import tokens
from cloudhands.common.errors import ConfigurationError


def test_the_secret_is_made_once_and_only_for_its_owner(tmp_path):
    file = tmp_path / "new" / "server.key"
    secret = tokens.read_secret(file)
    assert len(secret) == tokens.SECRET_BYTES
    assert tokens.read_secret(file) == secret
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_processes_that_start_at_once_agree(tmp_path):
    file = tmp_path / "server.key"
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(lambda _: tokens.read_secret(file), range(32)))
    assert len(secrets) == 1


@pytest.mark.parametrize("content", ["", "nonsense", "abcd"])
def test_a_damaged_secret_is_never_replaced(tmp_path, content):
    file = tmp_path / "server.key"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=r"server\.key"):
        tokens.read_secret(file)
    assert file.read_text() == content


def test_a_token_is_for_one_purpose_and_subject():
    secret = b"s" * 32
    token = tokens.derive(secret, "csrf", "a")
    assert tokens.matches(token, secret, "csrf", "a")
    for other in (
        (b"t" * 32, "csrf", "a"),
        (secret, "link", "a"),
        (secret, "csrf", "b"),
        (secret, "csr", "fa"),
    ):
        assert not tokens.matches(token, *other)


def test_what_is_not_a_token_does_not_match():
    for text in ("", "é", "x" * 10_000):
        assert not tokens.matches(text, b"s" * 32, "csrf", "a")


def test_fresh_values_differ_and_are_kept_as_digests():
    first, second = tokens.fresh(), tokens.fresh()
    assert first != second
    assert tokens.digest(first) != tokens.digest(second)
    assert first not in tokens.digest(first)
