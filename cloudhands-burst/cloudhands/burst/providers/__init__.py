"""Finds the cloud adapters, ours and third parties', and connects the clouds of the settings.

Ours are the folders beside this module, each with an `ADAPTER` (`cloud.Adapter`); a provider's
`kind` is the folder's name. A third party's is found by the entry point group
`cloudhands.providers`, under its kind.
"""

import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points

from pydantic import BaseModel, ValidationError

from cloudhands.burst.guard import Guarded
from cloudhands.common import plugins
from cloudhands.common.cloud import GROUP, Adapter, Cloud
from cloudhands.common.errors import ConfigurationError, SettingsError
from cloudhands.common.settings import Provider, Settings

REMEDIES = {
    "extra_forbidden": "there is no such option: mend the spelling or remove it",
    "missing": "is required: set it in the settings file",
}


def own() -> Mapping[str, Adapter]:
    """The adapters of this distribution, by kind."""
    modules = plugins.submodules(sys.modules[__name__])
    return {module.__name__.rpartition(".")[2]: module.ADAPTER for module in modules}


def kinds() -> list[str]:
    """Every kind of cloud that a provider may be, sorted."""
    return sorted({*own(), *(entry.name for entry in entry_points(group=GROUP))})


def find(name: str, kind: str) -> Adapter:
    """The adapter for a provider's kind.

    :param name: the provider's name in the settings, for the error.
    :raises SettingsError: if there is none; it names the known kinds.
    :raises PluginError: if a third party's cannot be imported.
    """
    adapter: Adapter | None = own().get(kind) or plugins.named(GROUP, kind)
    if adapter is None:
        raise SettingsError(
            f"providers.{name}.kind: there is no kind of cloud {kind!r}; "
            f"write one of: {', '.join(kinds())}"
        )
    return adapter


def connect(settings: Settings) -> Mapping[str, Cloud]:
    """Every cloud of the settings, by the provider's name; none is called yet.

    :raises SettingsError: naming every wrong key of the first provider that has one.
    """
    return {name: _connect(settings, name, used) for name, used in settings.providers.items()}


def usable(settings: Settings) -> tuple[Mapping[str, Cloud], Mapping[str, Sequence[str]]]:
    """Every cloud of the settings that can be connected, and all that is wrong with the others.

    :raises SettingsError: if none can be.
    """
    clouds: dict[str, Cloud] = {}
    wrong: dict[str, Sequence[str]] = {}
    for name, used in settings.providers.items():
        try:
            clouds[name] = _connect(settings, name, used)
        except ConfigurationError as error:
            wrong[name] = str(error).splitlines()
    if wrong and not clouds:
        raise SettingsError("\n".join(line for lines in wrong.values() for line in lines))
    return clouds, wrong


def _connect(settings: Settings, name: str, provider: Provider) -> Cloud:
    adapter = find(name, provider.kind)
    options = _options(adapter, name, provider)
    return Guarded(adapter.connect(name, options, settings.state.absolute()), name)


def _options(adapter: Adapter, name: str, provider: Provider) -> BaseModel:
    try:
        return adapter.Options.model_validate(provider.options)
    except ValidationError as error:
        raise SettingsError("\n".join(_sentences(name, error))) from None


def _sentences(name: str, error: ValidationError) -> list[str]:
    found = error.errors(include_url=False, include_input=False)
    return [
        f"providers.{name}.options{''.join(f'.{part}' for part in problem['loc'])}: "
        f"{REMEDIES.get(problem['type'], problem['msg'])}"
        for problem in found
    ]
