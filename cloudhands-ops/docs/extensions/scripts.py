"""The reference of the scripts: what each of them says with `--help`.

`.. script-help:: check.sh` names it by its path from the root of the repository.
"""

import os
import subprocess
import sys
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[3]


def help_of(script: str) -> str:
    """What a script prints with `--help`.

    :param script: its path from the root of the repository.
    """
    environment = {**os.environ, "COLUMNS": "100", "PYTHON": sys.executable}
    return subprocess.run(
        [ROOT / script, "--help"], capture_output=True, text=True, check=True, env=environment
    ).stdout


class ScriptHelp(SphinxDirective):
    """`.. script-help:: PATH`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The text as it is."""
        text = help_of(self.arguments[0])
        return [nodes.literal_block(text, text, language="text", classes=["script-help"])]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("script-help", ScriptHelp)
    return {"parallel_read_safe": True}
