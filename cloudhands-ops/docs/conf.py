"""Sphinx's configuration for the manual.

    python -m sphinx -W -n -q -b html cloudhands-ops/docs FOLDER

builds it from the code in the same tree, whichever is installed.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# The extensions beside this file, and the code that they tell of.
sys.path[:0] = [str(HERE), *map(str, sorted(ROOT.glob("cloudhands-*")))]

project = "cloudhands"
author = "The cloudhands authors"
release = version = (ROOT / "VERSION").read_text(encoding="utf-8").strip()
language = "en_GB"

extensions = ["extensions.commands", "extensions.scripts", "extensions.settings"]
exclude_patterns = ["_build", "extensions", "templates"]
nitpicky = True
# Two hyphens are an option here, and never a dash.
smartquotes = False
# What is no code is shown as it is.
highlight_language = "text"

html_theme = "furo"
html_title = f"cloudhands {release}"
templates_path = ["templates"]
html_static_path = ["static"]
html_css_files = ["manual.css"]
# Two builds of the same text are the same bytes, and say nothing of who built them or when.
html_last_updated_fmt = None
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
