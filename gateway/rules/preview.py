"""What a dispatch would reach and cost, told before it leaves (F6, P39): a ceiling, never a promise.

A person of two units gets one message, switched-off counties get none, somebody has no number: what is sent can only be
less than what stands here, never more.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import msgspec

from gateway.rules import audience as audiences
from gateway.rules.audience import Audience
from inbox_store.org import Organisation, Unit
from sms_billing.tariff import Tariff, cost_li

Estimate = Callable[[str], int]
"""How many segments (条) one message with this text costs on the channel it would take."""


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a dispatch before it leaves; every ``*_ceiling`` and ``messages`` may only turn out lower.

    ``persons`` are the people addressed, ``clerks`` the clerks among them; ``amount_li_ceiling`` is in li.
    """

    units: int
    persons: int
    clerks: int
    messages: int
    segments_ceiling: int
    amount_li_ceiling: int
    general: bool
    warnings: tuple[str, ...]


class Reminder(msgspec.Struct, frozen=True, kw_only=True):
    """The short message that would go with a dispatch: its text as sent, how it is counted, what it costs."""

    text: str
    estimate: Estimate
    tariff: Tariff


def preview(
    audience: Audience,
    organisation: Organisation,
    share: Fraction,
    *,
    mark: Fraction,
    leader_mask: int,
    reminder: Reminder | None,
) -> Preview:
    """The figures of ``audience``. ``share`` is its width, ``mark`` the share from which it is general.

    Addressed are clerks and the leaders of ``leader_mask`` (1 head, 2 deputy, 4 responsible, added up), or every person
    where the scope says everyone; with ``reminder`` None no short
    message goes out and it costs nothing.
    """
    units = [organisation.units[one.unit_id] for one in audience.units]
    persons = sum(addressed(unit, leader_mask, everyone=audience.everyone) for unit in units)
    messages = persons if reminder else 0
    each = reminder.estimate(reminder.text) if reminder else 0
    is_general = audiences.general(share, mark)
    return Preview(
        units=len(units),
        persons=persons,
        clerks=sum(unit.clerks for unit in units),
        messages=messages,
        segments_ceiling=messages * each,
        amount_li_ceiling=cost_li(messages * each, messages, reminder.tariff) if reminder else 0,
        general=is_general,
        warnings=(
            *_width_warnings(share, len(audience.left_out), is_general=is_general),
            *_unit_warnings(units),
            *([f"提醒短信较长，每人计{each}条，缩短到70字以内计1条"] if each > 1 else []),
        ),
    )


def addressed(unit: Unit, leader_mask: int, *, everyone: bool) -> int:
    """How many people of a unit a dispatch addresses; who serves in two units is counted in both: a ceiling."""
    return max(unit.persons, unit.clerks) if everyone else unit.addressed(leader_mask)


def _width_warnings(share: Fraction, left_out: int, *, is_general: bool) -> list[str]:
    warnings = []
    if is_general:
        warnings.append(f"发文范围占全部单位的{int(share * 100)}%，属于普发，须经他人批准后才会发出")
    if left_out:
        warnings.append(f"范围内有{left_out}个单位已冻结、撤销或尚未开通，不会收到")
    return warnings


def _unit_warnings(units: list[Unit]) -> list[str]:
    """Units that nobody can sign for: they stay in the sign-for rate (bulletin 3.2), so the sender should know."""
    silent = [unit.name for unit in units if not unit.clerks]
    if not silent:
        return []
    shown = "、".join(silent[:5]) + ("等" if len(silent) > 5 else "")
    return [f"{len(silent)}个单位没有收发员，文件无人签收：{shown}"]
