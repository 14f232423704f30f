from typing import Any, cast

import pytest

from cloudhands.burst.guard import Guarded
from cloudhands.common.cloud import Capabilities, Cloud, CloudError, Full, Gone, Temporary


class Stumbling:
    """Raises what it was given, whatever it is asked."""

    capabilities = Capabilities(console=True)

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def console(self, server_id: str) -> Any:
        raise self.error


def guarded(error: BaseException) -> Cloud:
    return Guarded(cast(Cloud, Stumbling(error)), "private")


@pytest.mark.parametrize("error", [KeyError("status"), TypeError("None"), OSError(5, "input")])
def test_what_nobody_reckoned_with_is_temporary(error: Exception) -> None:
    with pytest.raises(Temporary, match="answer to console is not what was promised") as caught:
        guarded(error).console("x")
    assert caught.value.__cause__ is error
    assert type(error).__name__ in str(caught.value)


@pytest.mark.parametrize("error", [Gone("x"), Full("x"), Temporary("x", 3)])
def test_the_vocabulary_passes(error: CloudError) -> None:
    with pytest.raises(type(error)) as caught:
        guarded(error).console("x")
    assert caught.value is error


def test_an_end_of_the_process_passes() -> None:
    with pytest.raises(KeyboardInterrupt):
        guarded(KeyboardInterrupt()).console("x")


def test_it_can_what_the_cloud_can() -> None:
    assert guarded(KeyError()).capabilities == Capabilities(console=True)
