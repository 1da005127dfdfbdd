"""`songda sms`: the group of the verbs about short messages; each part is a module of its own."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import typer

PARTS = ("sms_switch", "sms_replies")
"""The modules that bring verbs of this group; each has `register(group)`."""

sms_app = typer.Typer(
    help="短信：县区开关、回复。\n\nShort messages: a county's switch, replies.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the group with all its parts."""
    for name in PARTS:
        if find_spec(f"gateway.cli.{name}"):
            import_module(f"gateway.cli.{name}").register(sms_app)
    app.add_typer(sms_app, name="sms")
