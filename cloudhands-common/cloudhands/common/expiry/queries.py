"""What can be read of the ends of appliances' times."""

from collections.abc import Sequence

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, joinedload

from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.expiry.tables import Expiry


def by_id(session: Session, id_: int) -> Expiry:
    """The expiry of that row with its appliance."""
    shown = joinedload(Expiry.appliance, innerjoin=True)
    return session.get_one(Expiry, id_, options=[shown])


def locked(session: Session, expiry_id: int, *, with_others: bool) -> Sequence[Expiry]:
    """An expiry, held with its appliance until the transaction ends.

    First the appliances are locked, then the expiries, each by id: nobody who locks one of each in
    that order, as `extend` does, can wait for us while we wait for them.

    :param with_others: all others of the same owner too, but for what is to be deleted: what one
        mail may tell of.
    """
    mine = select(Expiry.appliance_id).where(Expiry.id == expiry_id).scalar_subquery()
    wanted = Appliance.id == mine
    if with_others:
        owner = select(Appliance.owner_id).where(Appliance.id == mine).scalar_subquery()
        theirs = and_(Appliance.owner_id == owner, Appliance.expires_at.is_not(None))
        wanted = or_(wanted, and_(theirs, Appliance.goal != "deleted"))
    held = {"populate_existing": True}
    appliances = session.scalars(
        select(Appliance).where(wanted).order_by(Appliance.id).with_for_update(),
        execution_options=held,
    ).all()
    return session.scalars(
        select(Expiry)
        .where(Expiry.appliance_id.in_([appliance.id for appliance in appliances]))
        .order_by(Expiry.appliance_id)
        .with_for_update(),
        execution_options=held,
    ).all()
