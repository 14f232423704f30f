"""Whether a command in an environment is what pip makes of a wheel's entry point.

pip writes these at installation, so that no hash of a bundle covers them.
"""

import ast
import configparser
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

# What pip's releases have written below the imports, after the entry point's own names.
_BODIES = (
    """
if __name__ == '__main__':
    if sys.argv[0].endswith('.exe'):
        sys.argv[0] = sys.argv[0][:-4]
    sys.exit({call}())
""",
    """
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])
    sys.exit({call}())
""",
    """
if __name__ == '__main__':
    sys.argv[0] = sys.argv[0].removesuffix('.exe')
    sys.exit({call}())
""",
)
_IMPORTS = ("import sys\n{given}", "import re\nimport sys\n{given}", "{given}import sys\n")


def of_wheel(wheel: zipfile.ZipFile, folder: str) -> Iterator[tuple[str, str]]:
    """The name of each command of a wheel, and its entry point.

    :param folder: the wheel's `.dist-info`.
    """
    name = f"{folder}/entry_points.txt"
    if name not in wheel.namelist():
        return
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(wheel.read(name).decode("utf-8"))
    for section in ("console_scripts", "gui_scripts"):
        if parser.has_section(section):
            yield from parser.items(section)


def is_as_made(script: Path, entry: str, python: Path) -> bool:
    """Whether a command's file does nothing but call its entry point with the environment's Python.

    :param entry: `package.module:function`.
    """
    try:
        first, _, text = script.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return False
    if first == "#!/bin/sh":  # where the path is too long for the kernel, or has a space
        second, _, rest = text.partition("\n")
        if not re.fullmatch(
            rf"'''exec' [\"']?{re.escape(str(python))}[\"']? \"\$0\" \"\$@\"", second
        ):
            return False
        text = rest.removeprefix("' '''\n")
    elif first != f"#!{python}":
        return False
    return _meaning(text) in {_meaning(made) for made in _made(entry)}


def _made(entry: str) -> Iterator[str]:
    module, _, function = entry.split("[")[0].strip().partition(":")
    given = f"from {module} import {function.split('.')[0]}\n"
    for imports in _IMPORTS:
        for body in _BODIES:
            yield imports.format(given=given) + body.format(call=function)


def _meaning(text: str) -> str:
    try:
        return ast.dump(ast.parse(text))
    except (SyntaxError, ValueError):
        return ""
