"""Power loss, replayed: from a trace of every call that changed a folder, what the disk may hold at any moment.

    trace = tmp_path / "trace"
    with worker(folder, seed, "--rounds", "2", wrap=recording([folder, *files], trace)) as running: ...
    for moment in moments(trace, folder, "ledger.jsonl"):
        lay_down(moment.after(TORN, dice), other_folder)

The disk of this model keeps what POSIX says it must and nothing else. A write or a change of size is certain only when
a later fsync or fdatasync of that file has returned, and a sync covers what was written before it began. A name in the
folder (made, renamed, removed) is certain only when the folder itself was synced after: stricter than ext4 or XFS,
which write a new file's name with its first sync. What is not certain may be there, in any part and order.
The file at ``client`` is the other side's memory: its lines count from the moment they were begun, and are never lost.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.faults.ledger import Line
from tests.faults.strace import NEVER, Call, calls

SECTOR: Final = 512
"""What a disk writes whole."""

DROPPED: Final = "dropped"
SUBSET: Final = "subset"
TORN: Final = "torn"
LOSSES: Final = (DROPPED, SUBSET, TORN)
"""What happens to uncertain writes: none is there; some are, whole; some of their sectors are."""


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes at an offset, or (without bytes) a new size."""

    at: int
    data: bytes | None

    def onto(self, content: bytearray) -> None:
        """Do it."""
        if self.data is None:
            del content[self.at :]
            content.extend(bytes(self.at - len(content)))
            return
        content.extend(bytes(max(0, self.at - len(content))))
        content[self.at : self.at + len(self.data)] = self.data

    def sectors(self) -> Iterator[Write]:
        """The same in parts that a disk writes whole."""
        if self.data is None:
            yield self
            return
        at, end = self.at, self.at + len(self.data)
        while at < end:
            until = min(end, (at // SECTOR + 1) * SECTOR)
            yield Write(at, self.data[at - self.at : until - self.at])
            at = until


@dataclass(eq=False, slots=True)
class Node:
    """One file: what is certain of it, what is not yet, and how long it is by now."""

    certain: bytearray = field(default_factory=bytearray)
    waiting: list[Write] = field(default_factory=list)
    size: int = 0

    def take(self, write: Write) -> None:
        """A write that nothing makes certain yet."""
        self.waiting.append(write)
        self.size = write.at if write.data is None else max(self.size, write.at + len(write.data))

    def sync(self, count: int) -> None:
        """The first ``count`` of what waits are certain now."""
        for write in self.waiting[:count]:
            write.onto(self.certain)
        del self.waiting[:count]

    def after(self, loss: str, dice: random.Random) -> bytes:
        """Its content after a power loss."""
        content = bytearray(self.certain)
        for write in self.waiting if loss != DROPPED else ():
            for part in write.sectors() if loss == TORN else (write,):
                if dice.random() < 0.5:
                    part.onto(content)
        return bytes(content)


Names = dict[str, Node | None]


class Disk:
    """One folder on a disk with a cache that forgets."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: dict[str, Node] = {}
        self._certain: dict[str, Node] = {}
        self._waiting: list[Names] = []

    def begin(self, call: Call) -> Callable[[], None] | None:
        """What a call does at once; returns what a sync does when it has returned.

        Raises ValueError for a call that this model does not know.
        """
        match call.name:
            case "openat" | "creat":
                self._open(call)
            case "write" | "pwrite64":
                if node := self._node(call):
                    at = call.numbers[-1] if call.name == "pwrite64" else node.size
                    node.take(Write(at, call.texts[0][: call.result]))
            case "ftruncate":
                if node := self._node(call):
                    node.take(Write(call.numbers[-1], None))
            case "unlink" | "unlinkat" | "rename" | "renameat" | "renameat2":
                self._rename(*(self._name(text) for text in call.texts))
            case "fsync" | "fdatasync":
                return self._sync(call)
            case _:
                raise ValueError(f"not modelled: {call}")
        return None

    def after(self, loss: str, dice: random.Random) -> dict[str, bytes]:
        """Every file that the folder holds after a power loss, with its content."""
        names: Names = {**self._certain}
        for change in self._waiting if loss != DROPPED else ():
            if dice.random() < 0.5:
                names.update(change)
        return {name: node.after(loss, dice) for name, node in names.items() if node is not None}

    def _name(self, text: bytes) -> str:
        return Path(text.decode()).name

    def _node(self, call: Call) -> Node | None:
        """The file a call is upon; None for one that has no name any more."""
        if call.deleted or call.path is None or call.path.parent != self._folder:
            return None
        return self._names[call.path.name]

    def _open(self, call: Call) -> None:
        name = self._name(call.texts[0])
        makes = call.name == "creat" or "O_CREAT" in call.flags
        if makes and name not in self._names:
            self._change({name: Node()})
        elif call.name == "creat" or "O_TRUNC" in call.flags:
            self._names[name].take(Write(0, None))

    def _rename(self, old: str, new: str = "") -> None:
        """Give a file another name, or none: both names change together or not at all."""
        node = self._names[old]
        self._change({old: None, new: node} if new else {old: None})

    def _change(self, change: Names) -> None:
        self._waiting.append(change)
        for name, node in change.items():
            if node is None:
                del self._names[name]
            else:
                self._names[name] = node

    def _sync(self, call: Call) -> Callable[[], None] | None:
        if call.path == self._folder:
            count = len(self._waiting)
            return lambda: self._sync_names(count)
        node = self._node(call)
        if node is None:
            return None
        waiting = len(node.waiting)
        return lambda: node.sync(waiting)

    def _sync_names(self, count: int) -> None:
        for change in self._waiting[:count]:
            for name, node in change.items():
                self._certain.pop(name, None)
                if node is not None:
                    self._certain[name] = node
        del self._waiting[:count]


@dataclass(frozen=True, slots=True)
class Moment:
    """Just before a call (None: after the last): its line in the trace, what had been told, what the disk may hold."""

    no: int
    call: Call | None
    told: list[Line]
    disk: Disk

    @property
    def before_sync(self) -> bool:
        """Whether the most is uncertain here."""
        return self.call is not None and "sync" in self.call.name

    def after(self, loss: str, dice: random.Random) -> dict[str, bytes]:
        """What the disk holds when power returns, by file; the memory of shared pages is not on it."""
        files = self.disk.after(loss, dice)
        return {name: content for name, content in files.items() if not name.endswith("-shm")}


def moments(trace: Path, folder: Path, client: str) -> Iterator[Moment]:
    """Each moment of the trace in turn; use it before the next, the disk goes on."""
    disk, told = Disk(folder), bytearray()
    syncs: list[tuple[int, Callable[[], None]]] = []
    for call in calls(trace):
        _return(syncs, call.began)
        if _is_about(call, folder / client):
            told += call.texts[0] if call.name == "write" else b""
            continue
        yield Moment(call.began, call, _lines(told), disk)
        if sync := disk.begin(call):
            syncs.append((call.ended, sync))
    _return(syncs, NEVER)
    yield Moment(NEVER, None, _lines(told), disk)


def _return(syncs: list[tuple[int, Callable[[], None]]], before: int) -> None:
    """Let every sync take effect that has returned by now."""
    for one in [one for one in syncs if one[0] < before]:
        one[1]()
        syncs.remove(one)


def _is_about(call: Call, path: Path) -> bool:
    return call.path == path or any(text.endswith(str(path).encode()) for text in call.texts[:1])


def _lines(told: bytearray) -> list[Line]:
    return [json.loads(line) for line in told.split(b"\n")[:-1]]


def lay_down(files: dict[str, bytes], folder: Path) -> None:
    """Make ``folder`` hold these files and no others."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)
