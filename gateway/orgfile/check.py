"""The check of an organisation file: raw cells in, rows and all faults out. Pure.

``check(read_file(path), known)`` gives ``rows`` (everything, or nothing where there is a fault) and ``good`` (the good
rows and what leans only on good ones, for `--accept-good`).
"""

from __future__ import annotations

from gateway.orgfile.accept import good_entries, rows_of
from gateway.orgfile.columns import TABLES
from gateway.orgfile.entries import Entries, read_entries
from gateway.orgfile.faults import Fault
from gateway.orgfile.findings import Findings
from gateway.orgfile.headers import lay_out
from gateway.orgfile.known import EMPTY_STORE, Known
from gateway.orgfile.people import check_people
from gateway.orgfile.raw import RawFile
from gateway.orgfile.relations import check_organisation, region_levels
from inbox_store.nouns import Noun
from inbox_store.orgrows import OrgRows


class Checked(Noun, frozen=True, kw_only=True):
    """The outcome of a check. ``findings``: faults first, then warnings, each in the order of the file.

    ``rows`` is everything, or nothing when there is a fault, so that a faulty file cannot be imported by mistake;
    ``good`` are the rows without fault that refer to good rows or to the store, ``left_out`` names those rows without
    a fault of their own that had to stay out with what they refer to.
    """

    findings: tuple[Fault, ...]
    rows: OrgRows = OrgRows()
    good: OrgRows = OrgRows()
    left_out: tuple[Fault, ...] = ()

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What hinders the import."""
        return tuple(found for found in self.findings if not found.warning)

    @property
    def warnings(self) -> tuple[Fault, ...]:
        """What should be looked at and hinders nothing."""
        return tuple(found for found in self.findings if found.warning)


def check(file: RawFile, known: Known | None = None) -> Checked:
    """Judge a file that was read, against itself and what the store knows: every fault at once.

    Without ``known`` (offline) what the file refers to and does not hold itself is not judged. Some 100,000 rows take
    seconds of processor time: an event loop calls it in a thread.
    """
    if file.faults:
        return Checked(findings=file.faults)
    findings = Findings()
    laid = lay_out(file, findings)
    entries = read_entries(laid, findings)
    absent = frozenset(table.sheet for table in TABLES if known is None and table.sheet not in laid)
    unasked = absent | {sheet for sheet, found in laid.items() if found.broken}
    store = known or EMPTY_STORE
    check_organisation(entries, store, unasked, findings)
    check_people(entries, store, region_levels(entries, store), unasked, findings)
    return _outcome(entries, store, absent, findings)


def _outcome(entries: Entries, store: Known, absent: frozenset[str], findings: Findings) -> Checked:
    told = findings.faults()
    if not any(not found.warning for found in told):
        rows = rows_of(entries)
        return Checked(findings=told, rows=rows, good=rows)
    good, left_out = good_entries(entries, store, absent, findings)
    return Checked(findings=told, good=rows_of(good), left_out=left_out)
