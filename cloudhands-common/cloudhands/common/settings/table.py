"""What every table of the settings is, and kinds of values that several of them have."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Table(BaseModel):
    """A table of the settings file: unknown keys are errors, values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid")
