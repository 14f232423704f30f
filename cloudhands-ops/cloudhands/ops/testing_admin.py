"""What tests of `cloud-admin` share: commands that they give, and a terminal."""

import io

PASSWORD = "correct horse battery"
UPGRADE = ("db", "upgrade")
PI = ("user", "create", "pi", "--name", "Ada Lovelace", "--mail", "pi@example.org")
ORG = ("org", "create", "eo-group", "--title", "Earth Observation", "--admin", "pi")


class Terminal(io.StringIO):
    """A standard input that says it is a terminal."""

    def isatty(self) -> bool:
        return True
