"""Accounts with the vendors of mobile push: a table ``[[account]]`` for each, in a file of its own.

    [[account]]
    name = "apple"
    vendor = "apns"
    team_id = "ABCDE12345"
    key_id = "KEY1234567"
    topic = "cn.gov.yunshui.office"

The keys beside name and vendor are the vendor's own. Its key stands in ``<keys>/push-<name>.secret`` (mode 600), never here.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from config.channels import secret_text
from config.checks import placeholder
from config.toml_text import parse

NAME = re.compile(r"[a-z][a-z0-9-]{0,15}")
SECRET_MAX_BYTES = 16 * 1024
"""A service account's JSON file with its RSA key."""


class PushAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One account: whose, and the vendor's own keys as they stand in the table."""

    name: str
    vendor: str
    rows: dict[str, object]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    account: tuple[dict[str, object], ...] = ()


def read_accounts(text: str) -> tuple[PushAccount, ...]:
    """The accounts of a TOML text. Raises ValueError naming the table and the key; the vendor's keys are judged later."""
    try:
        told = msgspec.convert(parse(text), _File)
    except RecursionError:
        raise ValueError("嵌套过深") from None
    except msgspec.ValidationError as fault:
        raise ValueError(f"应由若干 [[account]] 表组成：{fault}") from None
    accounts = tuple(_account(row, number) for number, row in enumerate(told.account, 1))
    for what in ("name", "vendor"):
        named = [getattr(one, what) for one in accounts]
        if again := next((one for one in named if named.count(one) > 1), None):
            raise ValueError(f"{what} “{again}”写了两次；每个厂商一个账号")
    return accounts


def _account(row: dict[str, object], number: int) -> PushAccount:
    place = f"第 {number} 个 [[account]]"
    name, vendor = row.get("name"), row.get("vendor")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(f"{place}：name 应为小写字母开头、不超过 16 位的字母数字")
    if not isinstance(vendor, str) or not vendor:
        raise ValueError(f"{place}（{name}）：vendor 须填写厂商")
    for key, value in row.items():
        if isinstance(value, str) and (reason := placeholder(value)):
            raise ValueError(f"{place}（{name}）：{key}：{reason}")
    rest = {key: value for key, value in row.items() if key not in {"name", "vendor"}}
    return PushAccount(name=name, vendor=vendor, rows=rest)


def secret_of(account: PushAccount, keys: Path) -> str:
    """The account's key or key file. Raises ValueError saying how to make the file."""
    return secret_text(keys / f"push-{account.name}.secret", account.name, SECRET_MAX_BYTES)
