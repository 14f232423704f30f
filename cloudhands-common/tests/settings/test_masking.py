"""What is shown of a setting never has a secret in it."""

import pytest

from cloudhands.common.settings.masking import MASK, masked


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("password", "hunter2", MASK),
        ("api_key", "k", MASK),
        ("AWS_SECRET_ACCESS_KEY", "k", MASK),
        ("client_secrets", ["a", "b"], MASK),
        ("credentials", {"user": "me", "password": "hunter2"}, {"user": "me", "password": MASK}),
        ("password", "", ""),
        ("password_file", "/etc/secret", "/etc/secret"),
        ("key_file", "server.key", "server.key"),
        ("credentials_path", "/etc/secret", "/etc/secret"),
        ("url", "postgresql://me:hunter2@db/x", f"postgresql://me:{MASK}@db/x"),
        ("url", "postgresql://me:hun@ter2@db/x", f"postgresql://me:{MASK}@db/x"),
        ("url", "postgresql://me@db/x", "postgresql://me@db/x"),
        ("url", "http://[::1", "http://[::1"),
        ("url", "http://me:pw@[::1", MASK),
        ("urls", ["http://me:pw@x"], [f"http://me:{MASK}@x"]),
        ("port", 8080, 8080),
        ("mail", "somebody@example.org", "somebody@example.org"),
    ],
)
def test_masked(key, value, shown):
    assert masked(("options", key), value) == shown
