"""The roster of a meeting and the list of those who have not answered, as sheets for XLSX and CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from gateway.rules.roster import MissingUnit, RosterRow
from gateway.sheets import Column, Sheet
from inbox_store.nouns import MODE_ZH, MeetingForm

_ROSTER_COLUMNS = (
    Column(title="序号", kind="number", width=6),
    Column(title="单位编码"),
    Column(title="单位", width=28),
    Column(title="姓名", width=10),
    Column(title="职务", width=20),
    Column(title="联系电话", width=16),
    Column(title="参会方式", width=10),
    Column(title="替何人参会", width=12),
    Column(title="请假原因", width=24),
    Column(title="回执时间", kind="time", width=18),
    Column(title="逾期", width=6),
    Column(title="签到时间", kind="time", width=18),
    Column(title="座位", width=10),
)


def roster_sheet(
    title: str,
    form: MeetingForm,
    rows: Iterable[RosterRow],
    show_phone: Callable[[str], str],
    seats: Mapping[tuple[int, str], str],
) -> Sheet:
    """The roster. ``show_phone`` masks the numbers unless the reader has the right to see them (security 17).

    ``seats`` are those given so far, by unit and name.
    """
    return Sheet(
        name="参会人员名单",
        title=f"{title} 参会人员名单",
        columns=_ROSTER_COLUMNS + tuple(Column(title=name) for name in form.fields),
        rows=[
            (
                place,
                row.unit_code,
                row.unit_name,
                row.attendee.name,
                row.attendee.post,
                show_phone(row.attendee.phone),
                MODE_ZH[row.attendee.mode],
                row.attendee.for_person,
                row.attendee.reason,
                row.answered_at,
                "是" if row.late else "",
                row.checked_in_at,
                seats.get((row.unit_id, row.attendee.name), ""),
                *(row.attendee.extra.get(name, "") for name in form.fields),
            )
            for place, row in enumerate(rows, start=1)
        ],
    )


def missing_sheet(title: str, rows: Iterable[MissingUnit]) -> Sheet:
    """The units that have not answered."""
    return Sheet(
        name="未报回执单位",
        title=f"{title} 未报回执单位",
        columns=(
            Column(title="序号", kind="number", width=6),
            Column(title="单位编码"),
            Column(title="单位", width=28),
        ),
        rows=[(place, row.unit_code, row.unit_name) for place, row in enumerate(rows, start=1)],
    )
