"""What several tables of the settings have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
EVERYWHERE = frozenset({"", "*", "0.0.0.0", "::"})

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
# Below are a system's own accounts, above are -1 and -2, which name nobody.
UidNumber = Annotated[int, Field(ge=1000, le=2**32 - 3)]
Port = Annotated[int, Field(ge=1, le=65535)]
Days = Annotated[int, Field(ge=1, le=3650)]
MailAddress = Annotated[str, Field(pattern=r"^[^\s@]{1,64}@[^\s@]{1,189}$")]
AttributeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.;_-]*$")]
DirectoryUrl = Annotated[str, Field(pattern=r"^ldaps?://[^/\s]+/?$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]


class Table(BaseModel):
    """A table of the settings file: unknown keys are errors, values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid")
