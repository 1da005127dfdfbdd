"""`songda bill correct`: lines taken back and charged anew; the ledger stays whole, closed months stay as they were."""

from __future__ import annotations

import json

from tests.cli.test_bill_verbs import Desk
from tests.cli.test_bill_year_verbs import closed, desk, first, year  # noqa: F401 - fixtures

WRONG = (
    "--month",
    "201804",
    "--unit",
    "U1",
    "--from",
    "东川县",
    "--to",
    "西岭县",
    "--reason",
    "异议成立",
    "--yes",
)


def amounts(told: Desk, *words: str) -> dict[str, int]:
    """What each payer bears."""
    shown = json.loads(told.done("bill", "statement", *words, "--json"))
    return {
        one["payer"]["name"]: one["total"]["amount_li"] + one["own_total"]["amount_li"]
        for one in shown["statements"]
    }


def test_a_correction_moves_the_charge_and_nothing_else(desk: Desk) -> None:  # noqa: F811
    """What one county is given back the other bears; the sum stays, the ledger verifies, and a second time nothing moves."""
    before = amounts(desk, "--month", "201804")
    desk.done("bill", "correct", *WRONG)
    after = amounts(desk, "--month", "201804")
    east, west = (next(name for name in before if word in name) for word in ("东", "西"))
    assert (after[east], after[west]) == (before[east] - 150, before[west] + 150)
    assert sum(after.values()) == sum(before.values())
    desk.done("ledger", "verify")
    assert "没有可更正的明细" in desk.refused("bill", "correct", *WRONG)


def test_a_closed_month_is_corrected_in_the_open_one(closed: Desk) -> None:  # noqa: F811
    """The statement of a closed year keeps every byte; the correction stands in the first open month."""
    kept = closed.done("bill", "statement", "--year", "2018", "--json")
    closed.done("bill", "correct", *WRONG)
    assert closed.done("bill", "statement", "--year", "2018", "--json") == kept
    january = amounts(closed, "--month", "201901")
    assert sorted(value for value in january.values() if value) == [-150, 150]
    closed.done("ledger", "verify")
