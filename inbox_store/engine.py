"""What a fact is made of, and what an engine promises.

A *program* is a generator: it yields steps, is sent the rows of each, and returns the fact's result. The same
programs run over every variant of the store; an engine only knows how to run them::

    def rename(unit_id: int, name: str) -> Program[None]:
        rows = yield Sql("unit_name", {"id": unit_id})
        if not rows:
            raise Refused("not_found", unit=unit_id)
        yield Sql("unit_rename", {"id": unit_id, "name": name})
        yield Audit(action="unit.rename", actor=0, subject=f"unit:{unit_id}", detail={"name": name})
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import msgspec

from inbox_store.errors import Refused
from inbox_store.ledger import ChargeLine

T = TypeVar("T")
Order = TypeVar("Order")

Row = tuple[Any, ...]


class Sql(msgspec.Struct, frozen=True):
    """One named statement with its parameters. Rows come back for a query or RETURNING, else one ``(rowcount,)``."""

    name: str
    params: Mapping[str, Any] = msgspec.field(default_factory=dict)


class Many(msgspec.Struct, frozen=True):
    """One named statement for many parameter sets: ``[(rowcount,)]`` comes back."""

    name: str
    rows: Iterable[Mapping[str, Any]]


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the append-only trace (F33): who did what to what, from where. Sealed with the commit.

    ``actor`` is a person's id, 0 for the system itself; ``subject`` is ``kind:id``; ``origin`` the address or device.
    """

    action: str
    actor: int
    subject: str
    detail: Mapping[str, Any] = msgspec.field(default_factory=dict)
    origin: str = ""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-for receipt: its canonical bytes become a leaf of the commit's signed Merkle root."""

    document_id: int
    unit_id: int
    leaf: bytes


class Charge(msgspec.Struct, frozen=True):
    """One line of the ledger, sealed with the commit."""

    line: ChargeLine


class Arrived(msgspec.Struct, frozen=True):
    """Entries of this send number became visible with this commit: whoever is online is told."""

    send_no: int


class Changed(msgspec.Struct, frozen=True):
    """This person's entry changed state: it is logged for catch-up and the live sessions are told."""

    person_id: int
    send_no: int


class Told(msgspec.Struct, frozen=True):
    """A notice was written to this person: whoever is online is told at once."""

    person_id: int
    notice_id: int


class CommitNo:
    """Asks for the number of the commit that this transaction will be: ``[(commit_no,)]`` comes back."""


class OrgChanged(msgspec.Struct, frozen=True):
    """The organisation changed: snapshots held in memory are to be read again."""


Step = Sql | Many | Audit | Receipt | Charge | Arrived | Changed | Told | CommitNo | OrgChanged
Program = Generator[Step, list[Row], T]

Each = Callable[[Sequence[Order]], Program[Sequence[T | Refused]]]
"""A fact that takes many orders at once and tells an outcome for each, in their order; a refusal harms no other order."""


@dataclass(frozen=True, slots=True)
class Nudge:
    """What one commit means for those who wait: positions are commit numbers, gapless and in order."""

    commit_no: int
    arrivals: tuple[int, ...] = ()
    changed: tuple[tuple[int, int], ...] = ()
    told: tuple[tuple[int, int], ...] = ()
    """(person, notice): what is told to one person beside the inbox."""
    org: bool = False
    foreign: bool = False
    """Another process (a tool at the machine) changed entries that nobody here was told of: inboxes are to be read anew."""

    def __bool__(self) -> bool:
        """Whether anybody needs to hear of it."""
        return bool(self.arrivals or self.changed or self.told or self.org or self.foreign)


class Engine(Protocol):
    """Runs programs: one program is one transaction, durable when ``write`` returns."""

    async def write(self, program: Program[T], *, bulk: bool = False) -> T:
        """Run ``program`` as one fact; ``bulk`` facts let everybody else go first.

        Raises what the program raises (nothing is changed then), Refused("busy"), StoreFull, StoreBroken.
        """
        ...

    async def write_each(self, each: Each[Order, T], order: Order) -> T:
        """Run one order of a fact that takes many at once: orders that wait together are one program.

        Raises what its outcome refuses; and as ``write`` does. A fault nobody foresaw harms only the order that brought
        it about: the others are tried again.
        """
        ...

    async def read(self, program: Program[T]) -> T:
        """Run a program of queries over one snapshot, beside the writer."""
        ...


class Relay(Protocol):
    """Tells what commits mean: each nudge once its commit is durable, in commit order."""

    def subscribe(self, listener: Callable[[Nudge], None]) -> None:
        """Call ``listener`` on the loop after each commit that concerns anybody. It must not block."""
        ...

    def witness(self, told: Callable[[int], None]) -> None:
        """Call ``told`` with the number of each durable commit, before anybody hears of its outcome. It must not fail."""
        ...


class StoreEngine(Engine, Relay, Protocol):
    """The engine of an open store: it also tells its commits and its state."""

    @property
    def position(self) -> int:
        """The number of the last durable commit."""
        ...

    @property
    def epoch(self) -> str:
        """Names this history of commits: another one makes every position void."""
        ...

    @property
    def broken(self) -> Exception | None:
        """Why nothing more is accepted, or None while all is well."""
        ...

    @property
    def waiting(self) -> int:
        """Facts that wait to be written."""
        ...
