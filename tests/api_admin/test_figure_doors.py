"""Rates, the recount and the figures of use through the doors."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing

import openpyxl
import pytest

from gateway.doors.live import keep_peak
from tests.api_admin.conftest import START, Office, paper, sign

MARCH = {"from": "2026-03-01", "to": "2026-03-31"}


async def test_rates_tell_their_integers(office: Office) -> None:
    """Two copies of which one is signed give 1 of 2 in the city, 1 of 1 and 0 of 1 in the counties."""
    document = await paper(office, "E01", "W01")
    await sign(office, document, "eclerk", "E01")
    told = (await office.get("/rates", "supervisor", **MARCH, by="county")).json
    assert told["total"]["sign_rate"] == {"numerator": 1, "denominator": 2, "percent": "50.0%"}
    rates = {row["name"]: row["sign_rate"]["percent"] for row in told["rows"]}
    assert rates == {"东川县": "100.0%", "西岭县": "0.0%"}
    assert (told["from"], told["to"], told["cutoff"]) == ("2026-03-01", "2026-03-31", "2026-04-08")
    east = (await office.get("/rates", "esupervisor", **MARCH, by="unit")).json
    assert [(row["code"], row["signed_unread"], row["rank"]) for row in east["rows"]] == [("E01", 1, None)]
    assert east["total"]["receipt_rate"] == {"numerator": 0, "denominator": 0, "percent": "—"}


@pytest.mark.parametrize("by", ["unit", "county", "group", "line", "total"])
async def test_the_tables_open_as_files(office: Office, by: str) -> None:
    """XLSX and CSV hold the rows of the answer and the total, under a name that tells the period."""
    await paper(office, "E01", "W01")
    rows = (await office.get("/rates", "supervisor", **MARCH, by=by)).json["rows"]
    told = await office.get("/rates.xlsx", "supervisor", **MARCH, by=by)
    assert "filename*=UTF-8''2026-03-01" in told.headers["Content-Disposition"]
    page = openpyxl.load_workbook(io.BytesIO(told.raw)).active
    lines = [line for line in page.iter_rows(min_row=3, values_only=True) if line[2]]
    assert len(lines) == (1 if by == "total" else len(rows) + 1)
    assert (lines[-1][2], lines[-1][3]) == ("合计", 2)
    csv = (await office.get("/rates.csv", "supervisor", **MARCH, by=by)).raw.decode("utf-8-sig")
    assert csv.splitlines()[-1].split(",")[2:4] == ["合计", "2"]


async def test_a_recount_finds_a_tampered_tally(office: Office) -> None:
    """Tallies agree with the history; one changed behind the programs' back is named."""
    await paper(office, "E01", "W01")
    agreed = (await office.post("/rates/recount", "supervisor")).json
    assert agreed == {"agreed": True, "count": 0, "differences": []}
    with closing(sqlite3.connect(office.server.parts.store.folder / "songda.db")) as conn:
        conn.execute("update tally set n = n + 1 where unit_id = ?", (await office.unit("E01"),))
        conn.commit()
    told = (await office.post("/rates/recount", "supervisor")).json
    assert (told["agreed"], told["count"]) == (False, 1)
    assert {key: told["differences"][0][key] for key in ("unit_id", "tally", "history")} == {
        "unit_id": await office.unit("E01"),
        "tally": 2,
        "history": 1,
    }


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"from": "2026-03-02", "to": "2026-03-01"}, 422),
        ({"from": "0001-01-01", "to": "2026-03-01"}, 400),
        ({"from": "2026-03-01", "to": "9999-12-31"}, 400),
        ({"from": "2026-03-01"}, 400),
        ({"from": "2026-02-30", "to": "2026-03-01"}, 400),
        ({**MARCH, "by": "planet"}, 400),
    ],
)
async def test_odd_periods_are_refused(office: Office, params: dict[str, str], status: int) -> None:
    """Reversed, far away, half given or impossible days are faults of the query, never a crash."""
    assert (await office.get("/rates", "supervisor", **params)).status == status


async def test_an_early_cutoff_is_the_end_of_the_period(office: Office) -> None:
    """A cut-off within the period counts as its end."""
    told = await office.get("/rates", "supervisor", **MARCH, cutoff="2026-03-05")
    assert told.json["cutoff"] == "2026-04-01"
    assert (await office.get("/rates", "supervisor", **MARCH, cutoff="9999-12-31")).status == 200


async def test_use_by_day(office: Office) -> None:
    """Peaks are the largest bin of a day; log-ins are counted interactively, and by people within reach."""
    await keep_peak(office.house, START, 3)
    await keep_peak(office.house, START + 600_000_000, 5)
    online = (await office.get("/figures/online", "supervisor", **MARCH)).json
    assert online["days"] == [{"day": "2026-03-02", "persons": 5}]

    for login, unit in (("eclerk", "E01"), ("wclerk", "W01")):
        codes = await office.post(f"/units/{await office.unit(unit)}/activation-codes", "admin", {})
        code = next(line["code"] for line in codes.json["lines"] if line["login"] == login)
        body = {"login": login, "code": code, "password": "Chun-Feng7-Hua"}
        assert (await office.post("/auth/activate", None, body)).status == 200
    city = (await office.get("/figures/logins", "supervisor", **MARCH)).json
    assert city == {"total": 2, "days": [{"day": "2026-03-02", "logins": 2, "accounts": 2}]}
    east = (await office.get("/figures/logins", "esupervisor", **MARCH)).json
    assert east["total"] == 1
