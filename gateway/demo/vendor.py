"""The demo's push vendor: `songda push-sim` in a process of its own, and the account of the server with it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from gateway.demo.far import far_end
from inbox_store.engine import Program
from inbox_store.keys import PhoneVault
from inbox_store.programs import pushes
from inbox_store.programs.cast import Player
from inbox_store.pushes import NewDevice

VENDOR: Final = "vivo"
ACCOUNT: Final = "100000001"
DEAD_EVERY: Final = 100
"""Of so many phones one is dead: its owner has a new one, and the vendor says so."""

SCRIPT: Final = """\
seed = 2018

[delays]
receipt = [20, 200]

[[cases]]
token = "dead"
gone = true
"""
ACCOUNTS: Final = """\
[[account]]
name = "vivo"
vendor = "vivo"
app_id = "{account}"
app_key = "{account}"
url = "{url}"
"""


@asynccontextmanager
async def vendor(folder: Path, address: str) -> AsyncIterator[Mapping[str, str]]:
    """A vendor beside the data ``folder``, whose receipts come to ``address``; gives the settings of the server there."""
    script, secret = folder / "vendor.toml", secrets.token_hex(16)
    await asyncio.to_thread(script.write_text, SCRIPT, "utf-8")
    options = ["--account", f"{ACCOUNT}:{secret}", "--script", str(script)]
    back = f"{VENDOR}={address}/api/v1/push/callbacks/{VENDOR}"
    async with far_end("push-sim", [*options, "--callback", back]) as told:
        url = f"http://127.0.0.1:{told['listening'][VENDOR]}/{VENDOR}"
        yield await asyncio.to_thread(_settings, folder, url, secret)


def _settings(folder: Path, url: str, secret: str) -> dict[str, str]:
    keys = folder / "keys"
    keys.mkdir(mode=0o700, exist_ok=True)
    file = keys / "push-vivo.secret"
    file.touch(mode=0o600)
    file.write_text(secret, "utf-8")
    accounts = folder / "push.toml"
    accounts.write_text(ACCOUNTS.format(account=ACCOUNT, url=url), "utf-8")
    return {
        "SONGDA__PUSH__ACCOUNTS_FILE": str(accounts),
        "SONGDA__PUSH__RECEIPTS": "true",
        "SONGDA__PUSH__QUIET_HOURS": "",
    }


def with_phones(people: tuple[Player, ...], vault: PhoneVault, now: int) -> Program[None]:
    """Everybody of ``people`` has registered a phone; some of them have another one by now."""
    for number, player in enumerate(people, 1):
        dead = "dead" if number % DEAD_EVERY == 0 else "phone"
        token = f"{dead}-{player.person_id:016d}"
        device = NewDevice(person_id=player.person_id, vendor=VENDOR, token=token, label="办公手机")
        yield from pushes.register(device, vault, now)
