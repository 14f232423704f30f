"""The site's colours, as a style sheet."""

from collections.abc import Mapping

NAMES = (
    "primary",
    "primary-background",
    "primary-border",
    "primary-hover",
    "primary-hover-background",
    "primary-hover-border",
)
WHITE, BLACK = "#fff", "#10151c"


def style_sheet(accent: Mapping[str, str]) -> str:
    """The accent colours for light and dark, set where Pico CSS reads them."""
    light = _rules(accent.get("light"), text=WHITE)
    dark = _rules(accent.get("dark"), text=BLACK)
    return (
        f":root:not([data-theme=dark]) {{{light}}}\n"
        f"@media (prefers-color-scheme: dark) {{ :root:not([data-theme]) {{{dark}}} }}\n"
    )


def _rules(colour: str | None, text: str) -> str:
    if colour is None:
        return ""
    rules = [f"--pico-{name}: {colour};" for name in NAMES]
    return " ".join([*rules, f"--pico-primary-inverse: {text};"])
