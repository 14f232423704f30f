"""What a template writes is escaped, once, whatever it is."""

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from cloudhands.web.http.templates import environment

NASTY = """<b title="x" id='y'>&amp;"""
ESCAPED = "&lt;b title=&quot;x&quot; id=&#x27;y&#x27;&gt;&amp;amp;"


class Text(str):
    """Not exactly a string."""

    __slots__ = ()


class Html:
    """Says itself what it is in HTML."""

    def __html__(self) -> str:
        return "<i>fine</i>"


class Plain:
    """Is written as what `str` says."""

    def __str__(self) -> str:
        return "<plain>"


@pytest.fixture(scope="module")
def jinja():
    return environment()


def written(jinja, source, **values):
    return jinja.from_string(source).render(**values)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (NASTY, ESCAPED),
        (Markup("<b>"), "<b>"),
        (Html(), "<i>fine</i>"),
        (Plain(), "&lt;plain&gt;"),
        (7, "7"),
        (None, "None"),
        (["<"], "[&#39;&lt;&#39;]"),
    ],
)
def test_a_value_is_escaped_unless_it_is_markup(jinja, value, expected):
    assert written(jinja, "{{ value }}", value=value) == expected


def test_a_kind_of_string_is_escaped(jinja):
    assert "<" not in written(jinja, "{{ value }}", value=Text(NASTY))


@pytest.mark.parametrize(
    "source",
    [
        "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(value) }}",
        "{% set x %}{{ value }}{% endset %}{{ x }}",
        "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ value }}{% endcall %}",
        "{% filter trim %}{{ value }}{% endfilter %}",
        "{% for x in [value] %}{{ x }}{% endfor %}",
        "{{ [value] | listed }}",
        "{{ value if value else '-' }}",
        "{{ '' or value }}",
        "{{ value | default('x') }}",
    ],
)
def test_it_is_escaped_once_wherever_it_passes(jinja, source):
    assert written(jinja, source, value=NASTY) == ESCAPED


def test_markup_that_is_put_together_with_text_escapes_the_text(jinja):
    assert written(jinja, "{{ ('<b>' | safe) ~ value }}", value="<") == "<b>&lt;"


def test_where_escaping_is_turned_off_and_on_jinjas_own_rule_holds(jinja):
    inner = "{% autoescape true %}{{ value }}{% endautoescape %}"
    source = f"{{% autoescape false %}}{{{{ value }}}}{inner}{{% endautoescape %}}"
    assert written(jinja, source, value="<") == "<&lt;"


def test_what_is_not_there_is_an_error(jinja):
    for source in ("{{ value }}", "{{ {}.value }}", "{{ 'text'.value }}"):
        with pytest.raises(UndefinedError):
            written(jinja, source)


def test_a_dictionarys_keys_come_before_its_methods(jinja):
    assert written(jinja, "{{ value.items }}", value={"items": "<"}) == "&lt;"
    assert written(jinja, "{{ value.keys() | list }}", value={"items": 1}) == "[&#39;items&#39;]"
