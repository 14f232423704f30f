"""What every command's input is: a pydantic model whose fields a form, HAL-FORMS and TOML share."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from cloudhands.common.errors import InvalidInput

# One line of text: no control characters, which would forge lines in logs and mails.
Line = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$"
    ),
]
Label = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$"
    ),
]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Uid = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^[^\s\x00-\x1f\x7f]{1,64}$")
]
Mail = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^[^\s@]{1,64}@[^\s@]{1,189}$")
]


def writable(text: str) -> str:
    """A text of others, for instance a cloud's, as every database takes it.

    Without NUL, and with a mark for what is no character (a lone half of a surrogate pair).
    """
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


class Form(BaseModel):
    """A command's input: unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


FormT = TypeVar("FormT", bound=BaseModel)


def parse(model: type[FormT], values: Mapping[str, Any]) -> FormT:
    """Validate what somebody typed or sent.

    :raises InvalidInput: with a sentence for each wrong field.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidInput(
            {
                ".".join(str(part) for part in problem["loc"]) or "form": _sentence(problem)
                for problem in error.errors(include_url=False, include_input=False)
            }
        ) from None


def _sentence(problem: Mapping[str, Any]) -> str:
    context = problem.get("ctx", {})
    match problem["type"]:
        case "missing":
            return "This is required."
        case "extra_forbidden":
            return "There is no such field."
        case "string_too_short":
            return "This must not be empty."
        case "string_too_long":
            return f"At most {context['max_length']} characters."
        case "string_pattern_mismatch":
            return "This has characters or a form that is not allowed here."
        case "string_type" | "string_unicode":
            return "This must be text."
        case "value_error":
            return str(context["error"])
    return str(problem["msg"])
