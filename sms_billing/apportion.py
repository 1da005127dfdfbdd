"""Shares of an amount that always sum up to it: largest remainder, ties by region code (sms-charges 4.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

import msgspec

from inbox_store.errors import Refused

LI_PER_FEN: Final = 10

Method = Literal["lines", "invoice"]
"""``lines`` (method 1, the default): each pays its own lines. ``invoice`` (method 2): the carrier's invoice is shared."""


class Weight(msgspec.Struct, frozen=True, kw_only=True):
    """One payer with what it counts for: segments, or an amount. ``code`` is the region's and settles ties."""

    region_id: int
    code: str
    count: int


class Apportionment(msgspec.Struct, frozen=True, kw_only=True):
    """What each payer owes, in li by region id; ``difference_li`` is the invoice less the lines.

    The shares of ``lines`` sum up to the lines, and the difference stays with the city beside its own share; those of
    ``invoice`` sum up to the invoice. ``invoice_li`` None: no invoice was entered.
    """

    method: Method
    shares_li: Mapping[int, int]
    lines_li: int
    invoice_li: int | None
    difference_li: int


def shares(total_li: int, weights: Iterable[Weight], step_li: int = LI_PER_FEN) -> dict[int, int]:
    """``total_li`` divided in proportion to the counts, in steps of a fen (10 li) or a li; the sum is the total.

    Each gets its exact share cut down, and the steps left over go to the largest remainders, equal ones by region code.
    A total below 0 (a credit) is shared as its opposite. Raises Refused: amount_not_whole where the total is no whole
    number of steps, no_weights where nothing says who gets it, weight_below_zero.
    """
    listed = sorted(weights, key=lambda told: told.code)
    whole = sum(told.count for told in listed)
    if len({told.region_id for told in listed}) < len(listed):
        raise ValueError("a payer stands twice among the weights")
    if total_li % step_li:
        raise Refused("amount_not_whole", amount_li=total_li, step_li=step_li)
    if any(told.count < 0 for told in listed):
        raise Refused("weight_below_zero", codes=[told.code for told in listed if told.count < 0])
    if not total_li:
        return {told.region_id: 0 for told in listed}
    if not whole:
        raise Refused("no_weights", amount_li=total_li)
    sign, steps = (1, total_li // step_li) if total_li > 0 else (-1, -total_li // step_li)
    cut = {told.region_id: divmod(steps * told.count, whole) for told in listed}
    left = steps - sum(share for share, _ in cut.values())
    # The sort is stable: among equal remainders the order by code stays.
    favoured = {told.region_id for told in sorted(listed, key=lambda told: -cut[told.region_id][1])[:left]}
    return {key: sign * step_li * (share + (key in favoured)) for key, (share, _) in cut.items()}


def by_lines(amounts_li: Mapping[int, int], invoice_li: int | None = None) -> Apportionment:
    """Method 1: each payer pays the sum of its lines. No rounding arises; the difference to the invoice is shown."""
    lines_li = sum(amounts_li.values())
    return Apportionment(
        method="lines",
        shares_li=dict(amounts_li),
        lines_li=lines_li,
        invoice_li=invoice_li,
        difference_li=0 if invoice_li is None else invoice_li - lines_li,
    )


def by_invoice(invoice_li: int, weights: Iterable[Weight], lines_li: int) -> Apportionment:
    """Method 2: the carrier's invoice V shared in fen by segments n_i, the city's own included: V x n_i / N.

    Raises Refused as ``shares`` does.
    """
    return Apportionment(
        method="invoice",
        shares_li=shares(invoice_li, weights),
        lines_li=lines_li,
        invoice_li=invoice_li,
        difference_li=invoice_li - lines_li,
    )


def in_fen(amounts: Iterable[Weight]) -> dict[int, int]:
    """Amounts in li (``count``) as whole fen for payment, by region id: their sum, rounded half up to a fen, is kept.

    Prices such as 45 li leave sums that are not whole fen; nobody is moved by a whole fen or more.
    """
    listed = sorted(amounts, key=lambda told: told.code)
    cut = {told.region_id: divmod(told.count, LI_PER_FEN) for told in listed}
    total = (sum(told.count for told in listed) + LI_PER_FEN // 2) // LI_PER_FEN
    left = total - sum(fen for fen, _ in cut.values())
    favoured = {told.region_id for told in sorted(listed, key=lambda told: -cut[told.region_id][1])[:left]}
    return {key: fen + (key in favoured) for key, (fen, _) in cut.items()}
