"""A model's fields as an HTML form and as a HAL-FORMS template: every kind, with its limits."""

import re
from typing import Annotated, Literal

import pytest
from pydantic import Field

from cloudhands.common.forms import Form
from cloudhands.web.http import hal
from cloudhands.web.representation import Option, Representation

SIZES = [(f"s{number}", f"Size {number}") for number in range(7)]


class Every(Form):
    """A field of each kind."""

    label: Annotated[
        str, Field(title="Name", description="As you like.", min_length=2, max_length=80)
    ]
    hours: Annotated[int, Field(title="Hours", ge=1, le=48)] = 8
    mail: Annotated[str, Field(title="Mail", json_schema_extra={"format": "email"})]
    role: Annotated[Literal["member", "admin"], Field(title="Role")] = "member"
    size: Annotated[str, Field(title="Size")]
    person: str


@pytest.fixture
def option():
    return Option(
        "every",
        "Try",
        "/try",
        Every,
        values={"label": 'a "quoted" <name>', "person": "p1", "size": "s3"},
        choices={"size": SIZES},
        fixed=frozenset({"person"}),
        if_match="7.tag",
        errors={"hours": "At most 48.", "mail": "This is no address.", "person": "Unknown."},
    )


@pytest.fixture
def macros(portal):
    return portal.config.registry.jinja.get_template("templates/macros.jinja").module


def tag(html, name):
    """The attributes of the element whose name is that of a field."""
    (found,) = re.findall(rf'<(?:input|select|textarea)[^>]* name="{name}"[^>]*>', html)
    return dict(re.findall(r'([a-z-]+)(?:="([^"]*)")?', found.partition(" ")[2].rstrip(">")))


def test_each_kind_of_field(macros, option):
    html = str(macros.form(option, "token"))
    label, hours = tag(html, "label"), tag(html, "hours")
    assert label.items() >= {
        ("type", "text"),
        ("minlength", "2"),
        ("maxlength", "80"),
        ("required", ""),
        ("value", "a &quot;quoted&quot; &lt;name&gt;"),
        ("aria-describedby", "every-label-hint"),
    }
    assert hours.items() >= {("type", "number"), ("min", "1"), ("max", "48"), ("value", "8")}
    assert "required" not in hours
    assert tag(html, "mail")["type"] == "email"
    assert tag(html, "person").items() >= {("type", "hidden"), ("value", "p1")}
    assert tag(html, "csrf_token")["value"] == "token"
    assert tag(html, "if_match")["value"] == "7.tag"
    assert "idempotency_key" not in html


def test_a_few_choices_stand_side_by_side_and_many_in_a_list(macros, option):
    html = str(macros.form(option, "token"))
    assert re.findall(r'type="radio" name="role" value="(\w+)"', html) == ["member", "admin"]
    assert "checked" in re.search(r'<input[^>]*value="member"[^>]*>', html)[0]
    assert re.findall(r'<option value="(s\d)" selected>', html) == ["s3"]
    compact = str(macros.form(option, "token", compact=True))
    assert "radio" not in compact
    assert re.findall(r'<option value="(\w+)" selected>', compact) == ["member", "s3"]


def test_what_is_wrong_stands_at_its_field_and_the_first_has_the_focus(macros, option):
    html = str(macros.form(option, "token"))
    hours, mail = tag(html, "hours"), tag(html, "mail")
    assert hours["aria-invalid"] == mail["aria-invalid"] == "true"
    assert hours["aria-describedby"] == "every-hours-error"
    assert '<small id="every-hours-error" class="error">At most 48.</small>' in html
    assert ("autofocus" in hours, "autofocus" in mail) == (True, False)
    assert "aria-invalid" not in tag(html, "label")


def test_the_summary_leads_to_fields_and_tells_of_the_rest(portal, macros, option):
    template = portal.config.registry.jinja.get_template("templates/errors.jinja")
    html = template.render(page=Representation("x", options={"every": option}))
    form = str(macros.form(option, "token"))
    for field in ("hours", "mail"):
        assert f'<a href="#every-{field}">' in html
        assert f'id="every-{field}"' in form
    assert "person: Unknown." in html
    assert "#every-person" not in html


def test_programs_are_told_the_same_limits(option):
    document = hal.render(Representation("x", options={"every": option}), "token")
    fields = {one["name"]: one for one in document["_templates"]["every"]["properties"]}
    assert fields["hours"].items() >= {"type": "number", "min": 1, "max": 48}.items()
    assert fields["label"].items() >= {"minLength": 2, "maxLength": 80}.items()
    assert fields["mail"]["type"] == "email"
