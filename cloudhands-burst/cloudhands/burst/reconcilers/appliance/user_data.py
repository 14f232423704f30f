"""Gathers what an appliance's user data tell."""

from cloudhands.burst.context import Context
from cloudhands.burst.reconcilers.appliance.view import View
from cloudhands.burst.userdata import Machine, render
from cloudhands.common.appliance import sign_in
from cloudhands.common.cloud import Identity


def user_data_of(context: Context, view: View, identity: Identity) -> str:
    """What cloud-init on the server of that identity shall do.

    :raises Invalid: if the item's own part cannot be used.
    """
    secret = context.database.secret
    assert secret is not None, "cloud-burst opens its database with the secret"
    machine = Machine(
        uuid=identity.appliance,
        generation=identity.generation,
        size=view.size,
        definition=view.definition,
        keys=view.authorized_keys,
        token=sign_in.token(secret, identity.appliance, identity.generation),
    )
    return render(machine, context.settings.portal)
