"""What a page depends on, in numbers: read by one small query before anything else is.

A portal that is asked for a page again and again must know quickly whether this person may still
see it and whether it changed. `Seen` answers both; each subject's `queries.seen` reads it.
"""

from typing import Any, NamedTuple

from sqlalchemy import ColumnExpressionArgument, Select, func, select

from cloudhands.common.actor.tables import Installation
from cloudhands.common.db import Artifact
from cloudhands.common.permissions import Role

Version = int | str | bool | None


class Seen(NamedTuple):
    """One thing, as somebody sees it now.

    :param id: its row.
    :param roles: what the viewer is towards it.
    :param versions: they change whenever what is shown of it does.
    :param wanted: rises with what people do to it, and with nothing else where it has a number for
        that; so it names what an edit is made from.
    """

    id: int
    roles: frozenset[Role]
    versions: tuple[Version, ...]
    wanted: int


def revision(
    model: type[Artifact], *where: ColumnExpressionArgument[bool]
) -> Select[*tuple[Any, ...]]:
    """The query for three numbers that are equal only while a collection is.

    They are the count of the rows for which all conditions hold, the sum of their ids and the sum
    of their versions. Rows bear rising ids and rising versions, and one that left the collection
    never comes back: a row that takes the place of another raises the sum of ids while the count
    stays, and with the same rows any change raises the sum of versions.
    """
    sums = (func.coalesce(func.sum(number), 0) for number in (model.id, model.version))
    return select(func.count(), *sums).where(*where)


# A person's name and uid stand on many pages, in histories too; they hardly ever change.
RENAMES = select(func.coalesce(func.max(Installation.renames), 0)).scalar_subquery()
"""How often any person's name or uid has changed, as a column for a query."""
