import pytest

from cloudhands.common.catalogue.templates import WORDS, BadTemplate, check, render

VALUES = {
    "uuid": "u-1",
    "generation": 2,
    "size": "small",
    "account": "researcher",
    "portal": "",
    "keys": ["one", "two"],
}


def test_every_word_is_filled_in():
    assert VALUES.keys() == WORDS.keys()
    text = "\n".join(f"{word}={{{{ {word} }}}}" for word in WORDS) + "\n"
    check(text)
    assert render(text, VALUES) == "".join(f"{word}={value}\n" for word, value in VALUES.items())


@pytest.mark.parametrize("text", ["", "#cloud-config\npackages: [a]\n\n", "# 10% of ü } }}\n"])
def test_what_is_no_template_stays_as_it_is(text):
    check(text)
    assert render(text, VALUES) == text


def test_cloud_inits_own_template_is_left_to_it():
    text = "## template: jinja\n{% raw %}{{ v1.local_hostname }} ${#a}{% endraw %}\n"
    check(text)
    assert render(text, VALUES) == "## template: jinja\n{{ v1.local_hostname }} ${#a}\n"


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("a\n{{ size", 2, "raw"),
        ("a\nb\n{% if size %}", 3, "raw"),
        ("echo ${#name}\n", 1, "raw"),
        ("a\n{{ label }}", 2, "there is no 'label': a template may name uuid, generation, size"),
        ("{{ size | colour }}", 1, "colour"),
        ("\n{% include 'x' %}", 2, "stands alone"),
        ("{{ 1 / 0 }}", 0, "division by zero"),
        ("{{ size.__class__.__mro__ }}", 0, "unsafe"),
        ("{{ keys.append('x') }}", 0, "cannot be filled in"),
        ("{{ size.nothing }}", 0, "nothing"),
        ("{{ keys[9] }}", 0, "cannot be filled in"),
    ],
)
def test_what_cannot_be_rendered_is_refused(text, line, sentence):
    with pytest.raises(BadTemplate) as caught:
        check(text)
    assert caught.value.line == line
    assert sentence in str(caught.value)
    assert str(caught.value).startswith(f"line {line}: ") == bool(line)


def test_what_fails_only_when_it_is_filled_in():
    with pytest.raises(BadTemplate, match="cannot be filled in"):
        render("{{ keys[1] }}", VALUES | {"keys": []})
    with pytest.raises(BadTemplate, match="line 1"):
        render("{{ ", VALUES)
