"""What the store already holds, as far as a check needs it; the caller fills it in. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from inbox_store.nouns import ClerkRank, Noun, RegionLevel, Role


class Known(Noun, frozen=True, kw_only=True):
    """Codes in the store. Left empty it stands for an empty store.

    ``units``: unit code -> code of the region it lies in. ``people``: codes. ``logins``: login in lower case -> code of
    its person. ``clerks``: (unit code, rank) -> person now in office, ``separated``: person -> which of administrator,
    security, auditor they hold now; both count only for people whose post the file does not mention. Where an import
    ends posts which the file leaves out, ``clerks`` stays empty. Phone numbers are looked up by the store.
    """

    regions: Mapping[str, RegionLevel] = {}
    lines: frozenset[str] = frozenset()
    units: Mapping[str, str] = {}
    sections: frozenset[tuple[str, str]] = frozenset()
    people: frozenset[str] = frozenset()
    logins: Mapping[str, str] = {}
    clerks: Mapping[tuple[str, ClerkRank], str] = {}
    separated: Mapping[str, frozenset[Role]] = {}


EMPTY_STORE = Known()
