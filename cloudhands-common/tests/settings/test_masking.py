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
        ("options", {"user": "me", "password": "hunter2"}, {"user": "me", "password": MASK}),
        ("passwords", {"a": "hunter2"}, {"a": MASK}),
        ("api-key", "k", MASK),
        ("pwd", "k", MASK),
        ("compass", "north", "north"),
        ("password", "", ""),
        ("password_file", "/etc/secret", "/etc/secret"),
        ("key_file", "server.key", "server.key"),
        ("credentials_path", "/etc/secret", "/etc/secret"),
        ("url", "postgresql://me:hunter2@db/x", f"postgresql://me:{MASK}@db/x"),
        ("url", "postgresql://me:hun@ter2@db/x", f"postgresql://me:{MASK}@db/x"),
        ("url", "postgresql://me@db/x", "postgresql://me@db/x"),
        ("url", "postgresql://me:hun/t#e?r2@db/x", f"postgresql://me:{MASK}@db/x"),
        (
            "url",
            "postgresql://me@db/x?password=hunter2&a=1",
            f"postgresql://me@db/x?password={MASK}&a=1",
        ),
        ("url", "postgresql:///x?sslPassword=hunter2", f"postgresql:///x?sslPassword={MASK}"),
        ("url", "http://[::1", "http://[::1"),
        ("url", "http://me:pw@[::1", f"http://me:{MASK}@[::1"),
        ("urls", ["http://me:pw@x"], [f"http://me:{MASK}@x"]),
        ("port", 8080, 8080),
        ("mail", "somebody@example.org", "somebody@example.org"),
    ],
)
def test_masked(key, value, shown):
    assert masked(("options", key), value) == shown
