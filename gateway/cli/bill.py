"""`songda bill`: the money of short messages. All at the machine itself, beside a running server or without one."""

from __future__ import annotations

import typer

from gateway.cli import bill_close, bill_correct, bill_reconcile, bill_rules, bill_statement, bill_year

bill_app = typer.Typer(
    help="短信费用：单价、关账、结算、结算单、对账。\n\nCharges: prices, closing, settlement, statements, reconciliation.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the verbs of these modules."""
    for module in (bill_close, bill_statement, bill_reconcile, bill_year, bill_correct, bill_rules):
        module.register(bill_app)
    app.add_typer(bill_app, name="bill")
