"""What directories of each kind call things: the defaults of `[directory]` that its `kind` sets.

OpenLDAP's are those of the model itself.
"""

from collections.abc import Mapping
from typing import Any

OPENLDAP, FREEIPA, ACTIVE_DIRECTORY = "openldap", "freeipa", "active-directory"

_PRESETS: Mapping[str, Mapping[str, Any]] = {
    FREEIPA: {"attributes": {"id": "ipaUniqueID", "disabled": "nsAccountLock"}},
    ACTIVE_DIRECTORY: {
        # By category, which is indexed there; without it computers are users too.
        "people": "(&(objectCategory=person)(objectClass=user))",
        "attributes": {
            "id": "objectGUID",
            "uid": "sAMAccountName",
            "changed": "uSNChanged",
            "disabled": "userAccountControl",
        },
    },
}


def with_defaults(table: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """A table with what its kind calls things, where it does not say so itself.

    :param table: of `[directory]`, as it was set.
    :param attributes: of `[directory.attributes]`, as it was set.
    """
    preset = _PRESETS.get(str(table.get("kind")), {})
    names = {**preset.get("attributes", {}), **attributes}
    return {**preset, **table, "attributes": names}
