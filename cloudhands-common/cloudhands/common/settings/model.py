"""What an operator may set: one frozen, typed model for every program."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from cloudhands.common.settings.clouds import Appliances, Burst, Provider
from cloudhands.common.settings.directory import Directory, Index
from cloudhands.common.settings.mail import Mail
from cloudhands.common.settings.portal import Portal
from cloudhands.common.settings.values import Name, Table


class Database(Table):
    """Where the shared rows live. `url` is SQLAlchemy's; empty means SQLite in the state folder."""

    url: str = ""


class Settings(Table):
    """Everything that an operator may set. Relative paths are below `state`.

    `key_file` is the secret that history is sealed with and links are derived from: the same on
    every host, and backed up apart from the database.

    `currency` is what prices are in, for people to read. `operators_mail` is whom to tell what
    only an operator can mend; empty for nobody: it is in the log in any case.
    """

    state: Path = Path("/var/lib/cloudhands")
    key_file: Path = Path("server.key")
    currency: str = "EUR"
    operators_mail: Annotated[str, Field(pattern=r"^([^@\s]+@[^@\s]+)?$")] = ""
    database: Database = Database()
    portal: Portal = Portal()
    directory: Directory | None = None
    index: Index = Index()
    burst: Burst = Burst()
    appliances: Appliances = Appliances()
    mail: Mail = Mail()
    providers: Mapping[Name, Provider] = Field(default_factory=dict)

    def path(self, path: Path) -> Path:
        """A path of the settings as an absolute one."""
        return self.state.absolute() / path

    @property
    def database_url(self) -> str:
        """The database's URL, the default filled in."""
        return self.database.url or f"sqlite:///{self.path(Path('cloudhands.db'))}"
