from datetime import UTC, datetime
from importlib import resources
from uuid import UUID

import pytest

from cloudhands.burst.mail.writing import CannotWrite, Letter, Sender, write

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SENDER = Sender("cloud@example.org", "Test cloud", "help@example.org", "https://cloud.example.org")
ONE = {
    "uuid": str(UUID(int=1)),
    "label": "mine",
    "organisation": "Physics",
    "stops_at": "2026-03-08T12:00:00+00:00",
    "deletes_at": "2026-03-15T12:00:00+00:00",
}
EXPIRY = {"name": "Älice", "grace_days": 7, "appliances": [ONE, {**ONE, "label": "other"}]}
LINK = {"link": "https://cloud.example.org/r?token=t", "expires_at": ONE["stops_at"]}
INVITED = {"registration": "r", "organisation": "Physics", "role": "admin", **LINK}
VALUES = {
    "expiry-reminder": EXPIRY,
    "expiry-stopped": EXPIRY,
    "expiry-deletion": EXPIRY,
    "registration-invitation": INVITED,
    "registration-details-again": INVITED,
    "registration-active": {"registration": "r", "uid": "alice"},
    "provider-paused": {"provider": "private", "reason": "it refuses our credentials"},
    "approval-wanted": {
        "appliance": ONE["uuid"],
        "label": "mine",
        "item": "Analysis desktop",
        "size": "small",
        "owner": "Älice",
        "organisation": "Physics",
        "terms": "Public cloud (about 73.00 EUR a month)",
    },
}


def mail(template, values, to="alice@example.org", sender=SENDER):
    return write(Letter(UUID(int=7), to, template, values), sender, NOW)


def test_each_template_has_an_example_here():
    folder = resources.files("cloudhands.burst.mail") / "templates"
    names = {file.name.removesuffix(".jinja") for file in folder.iterdir()}
    assert names == {"base", *VALUES}


@pytest.mark.parametrize("template", VALUES)
def test_each_template_says_who_it_is_from_and_where_to_go(template):
    message = mail(template, VALUES[template])
    body = message.get_content()
    assert message["Subject"]
    assert str(message["From"]) == "Test cloud <cloud@example.org>"
    assert message["Message-ID"] == f"<{UUID(int=7)}@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"] == "Sun, 01 Mar 2026 12:00:00 +0000"
    assert "https://cloud.example.org/" in body
    assert body.endswith("Questions: help@example.org\n")
    assert "\n\n\n" not in body
    assert "{" not in body
    assert all(len(line) <= 100 for line in body.splitlines())


def test_a_reminder_lists_what_expires_with_absolute_times():
    message = mail("expiry-reminder", EXPIRY)
    assert message["Subject"] == "2 appliances will be stopped on 08 March 2026, 12:00 UTC"
    body = message.get_content()
    assert "Dear Älice," in body
    assert "* mine (Physics)\n  will be stopped on 08 March 2026, 12:00 UTC\n" in body
    assert "* other (Physics)" in body
    assert f"https://cloud.example.org/appliances/{ONE['uuid']}" in body
    assert "7 days later" in body


def test_whatever_a_value_holds_is_no_header():
    evil = "x\r\nBcc: everybody@example.org\u2028\x00y" + "z" * 500
    values = {"provider": evil, "reason": evil}
    message = mail("provider-paused", values, sender=Sender("c@example.org", evil, "h@x.org", ""))
    lines = message.as_bytes().split(b"\r\n\r\n")[0].lower().splitlines()
    assert not [line for line in lines if line.startswith(b"bcc")]
    assert "Bcc" not in message
    assert len(message["Subject"]) == 200


@pytest.mark.parametrize(
    "to",
    [
        "",
        "nobody",
        "a b@example.org",
        "a@b@c",
        "a@example.org\nBcc: b@example.org",
        "@",
        "a@",
        "a@..b",
    ],
)
def test_what_is_no_address_gets_no_mail(to):
    with pytest.raises(CannotWrite, match="is no mail address"):
        mail("registration-active", VALUES["registration-active"], to)


def test_a_domain_is_written_as_the_domain_name_system_knows_it():
    message = mail("registration-active", VALUES["registration-active"], "alice@bücher.example")
    assert message["To"].addresses[0].addr_spec == "alice@xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("template", "values", "why"),
    [
        ("nonsense", {}, "there is no template 'nonsense'"),
        ("../mail/writing", {}, "there is no template"),
        ("registration-active", {}, "'uid' is undefined"),
        ("expiry-reminder", {**EXPIRY, "appliances": []}, "cannot be filled in"),
        ("expiry-reminder", {**EXPIRY, "appliances": [{**ONE, "stops_at": "now"}]}, "filled in"),
    ],
)
def test_what_cannot_be_written_says_why(template, values, why):
    with pytest.raises(CannotWrite, match=why):
        mail(template, values)
