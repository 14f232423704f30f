"""Sums of money as people read them, and the month that a budget is for: pure."""

from datetime import datetime
from decimal import Decimal

HOURS_A_MONTH = 730
"""Of a month of middling length, for what people are told of a price."""

CENT = Decimal("0.01")
_DECEMBER = 12


def month(now: datetime) -> tuple[datetime, datetime]:
    """When the calendar month (UTC) of a moment begins, and when the next one does."""
    begins = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    if begins.month == _DECEMBER:
        return begins, begins.replace(year=begins.year + 1, month=1)
    return begins, begins.replace(month=begins.month + 1)


def words(amount: Decimal | int, currency: str) -> str:
    """A sum, to the hundredth: `1,234.50 EUR`."""
    return f"{Decimal(amount).quantize(CENT):,} {currency}"


def an_hour(price: Decimal, currency: str) -> str:
    """A price an hour, to as many digits as it has, at least two after the point."""
    exact = price.normalize()
    shown = price.quantize(CENT) if exact == price.quantize(CENT) else exact
    return f"{shown:f} {currency} an hour"


def a_month(price: Decimal, currency: str) -> str:
    """What a price an hour comes to in a month, roughly."""
    return f"about {words(price * HOURS_A_MONTH, currency)} a month"
