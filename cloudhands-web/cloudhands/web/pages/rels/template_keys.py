"""Every HAL-FORMS template key of the portal, those of later releases too.

A test collects the templates of all pages and compares, so that this cannot go stale.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Template:
    """What a template key means, wherever it is found.

    :param found: on which resources, and when; empty if it is in no page of this release.
    """

    key: str
    meaning: str
    found: str = ""

    @property
    def is_released(self) -> bool:
        """Whether this release has it."""
        return bool(self.found)


_ALL = (
    Template("sign-in", "Open a session: the answer sets its cookie.", "The front page."),
    Template("sign-out", "Close the session.", "The front page and the account."),
    Template("launch", "Ask for an appliance of a catalogue item.", "An item of the catalogue."),
    Template("start", "The appliance shall run.", "An appliance that is or will be stopped."),
    Template("stop", "The appliance shall be stopped.", "An appliance that is or will be running."),
    Template(
        "reboot",
        "Restart what runs on the appliance, once.",
        "An appliance that is running, where its cloud can do it.",
    ),
    Template(
        "resize",
        "Give the appliance another size; it is stopped for that, and started again.",
        "Behind an appliance's link edit-form, where its cloud can do it.",
    ),
    Template(
        "delete", "The appliance shall be gone, for ever.", "An appliance that is not deleted yet."
    ),
    Template("retry", "Try again what failed.", "An appliance that has failed."),
    Template(
        "extend",
        "Let the appliance expire later: as late as one that is launched now.",
        "An appliance that expires and is not to be deleted.",
    ),
    Template(
        "rename", "Give the appliance another label.", "Behind an appliance's link edit-form."
    ),
    Template(
        "invite",
        "Offer a membership to a person of the directory.",
        "A person found from an organisation, who is not a member yet.",
    ),
    Template("resend", "Send the mail of an invitation again."),
    Template("accept", "Become a member.", "An invitation, for who is invited, while it is open."),
    Template(
        "withdraw",
        "Take an invitation or a membership back.",
        "Behind a member's link edit-form, while the membership is open.",
    ),
    Template(
        "approve",
        "Let the appliance use the public cloud that it waits for.",
        "An appliance that waits for it, in a list too, for who administers its organisation.",
    ),
    Template(
        "set-role",
        "Give a member another role.",
        "Behind a member's link edit-form, while the membership is open.",
    ),
    Template("add-key", "Keep one more SSH key.", "The account."),
    Template("remove-key", "Forget an SSH key.", "An SSH key of the account."),
)

TEMPLATES: Mapping[str, Template] = {one.key: one for one in _ALL}
"""Every template by its key."""
