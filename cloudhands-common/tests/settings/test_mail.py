import pytest

from cloudhands.common.errors import SettingsError
from cloudhands.common.settings import load

HERE = {"mail.server": "localhost", "mail.sender": "cloud@example.org"}
THERE = {**HERE, "mail.server": "mail.example.org"}


@pytest.mark.parametrize(
    ("overrides", "port"),
    [
        (HERE, 25),
        ({**THERE, "mail.tls": "true"}, 465),
        ({**THERE, "mail.start_tls": "true"}, 587),
        ({**THERE, "mail.start_tls": "true", "mail.port": "2525"}, 2525),
    ],
)
def test_the_port_is_the_usual_one(overrides, port):
    assert load(environment={}, overrides=overrides).mail.at_port == port


@pytest.mark.parametrize(
    ("overrides", "why"),
    [
        (THERE, "set start_tls = true or tls = true"),
        ({**HERE, "mail.tls": "true", "mail.start_tls": "true"}, "exclude each other"),
        ({"mail.server": "localhost"}, "set sender too"),
        ({**HERE, "mail.user": "cloud"}, "user and password_file go together"),
        ({**HERE, "mail.sender": "cloud"}, "mail.sender"),
        ({"appliances.lifetime_days": "0"}, "appliances.lifetime_days"),
        ({"appliances.grace_days": "0"}, "appliances.grace_days"),
        ({"portal.url": "cloud.example.org"}, "portal.url"),
    ],
)
def test_what_is_wrong_is_said(overrides, why):
    with pytest.raises(SettingsError) as caught:
        load(environment={}, overrides=overrides)
    assert why in str(caught.value)
    # What pydantic puts before a validator's words says nothing to an operator.
    assert "Value error" not in str(caught.value)


def test_mail_is_off_and_nothing_expires_unless_it_is_said():
    found = load(environment={})
    assert (found.mail.server, found.appliances.lifetime_days) == ("", None)
    assert found.portal.address == "http://127.0.0.1:8080"
    said = load(environment={}, overrides={"portal.url": "https://cloud.example.org/"})
    assert said.portal.address == "https://cloud.example.org"
