"""Commands for `strace`, and its traces read back: what a process does to its files is written down, or answered with a fault."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inbox_store.embedded import FILE

CHANGING: Final = (
    "openat,creat,write,writev,pwrite64,pwritev,pwritev2,truncate,ftruncate,fallocate,fsync,fdatasync,msync,"
    "sync_file_range,rename,renameat,renameat2,unlink,unlinkat,link,linkat,copy_file_range,sendfile"
)
"""Every call that changes a file or a folder, or makes a change durable."""

_STRACE: Final = ("strace", "-f", "-qq")
_DATA_MAX: Final = 1 << 26

NEVER: Final = 1 << 62
"""Where a call ended that did not."""

_LINE: Final = re.compile(r"(\d+) +(.*)", re.DOTALL)
_CUT: Final = " <unfinished ...>"
_RESUMED: Final = re.compile(r"<\.\.\. \w+ resumed>(.*)", re.DOTALL)
_CALL: Final = re.compile(r"(\w+)\((.*)\) += (-?\d+|\?)")
_HEX: Final = re.compile(r"(?:\\x[0-9a-f]{2})+")
_ON: Final = re.compile(r"\d+<((?:\\x[0-9a-f]{2})+)>(\(deleted\))?")
_TEXT: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_NUMBERS: Final = re.compile(r"(?<=, )\d+")


def store_files(folder: Path) -> list[Path]:
    """The files of a store on which its durability rests."""
    return [folder / f"{FILE}{suffix}" for suffix in ("", "-wal", "-journal")]


def recording(paths: Iterable[Path], trace: Path) -> list[str]:
    """Put before a command: its calls that change ``paths`` are written to ``trace``, with all of their data."""
    told = [word for path in paths for word in ("-P", str(path))]
    return [*_STRACE, "-y", "-xx", "-s", str(_DATA_MAX), "-e", f"trace={CHANGING}", *told, "-o", str(trace)]


def injecting(calls: str, fault: str, paths: Iterable[Path], trace: Path, also: str = "") -> list[str]:
    """Put before a command: ``calls`` (a comma between them) upon ``paths`` meet ``fault`` (strace(1), -e inject).

    Every call of ``calls`` and ``also`` is written to ``trace``; strace counts for ``when=`` in each thread apart.
    """
    told = [word for path in paths for word in ("-P", str(path))]
    traced = ",".join(filter(None, (calls, also)))
    return [
        *_STRACE,
        "-y",
        "-s",
        "400",
        "-e",
        f"trace={traced}",
        "-e",
        f"inject={calls}:{fault}",
        *told,
        "-o",
        str(trace),
    ]


def after_the_fault(trace: Path) -> list[str]:
    """What was still called after the first call that met its fault. Raises AssertionError when none did."""
    lines = [line for line in trace.read_text("utf-8", "replace").splitlines() if "(" in line]
    met = [no for no, line in enumerate(lines) if line.endswith("(INJECTED)")]
    assert met, "no call met the fault"
    return lines[met[0] + 1 :]


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


@dataclass(frozen=True, slots=True)
class Call:
    """One call that changed something: where in the trace it began and ended, upon which file, with what."""

    began: int
    ended: int
    name: str
    path: Path | None
    deleted: bool
    texts: tuple[bytes, ...]
    numbers: tuple[int, ...]
    flags: str
    result: int

    def __str__(self) -> str:
        where = self.path.name if self.path else " ".join(text.decode() for text in self.texts)
        return f"{self.name}({where}, {self.numbers}) = {self.result} at line {self.began + 1}"


def calls(trace: Path) -> list[Call]:
    """Every call of the trace that did something, in the order of their beginnings.

    Raises ValueError for a line that is no call and for data that strace cut off.
    """
    found, open_calls = [], {}
    for number, line in enumerate(trace.read_text("ascii").splitlines()):
        told = _LINE.fullmatch(line)
        if not told or told[2].startswith(("+++", "---")):
            continue
        pid, text, began = told[1], told[2], number
        if text.endswith(_CUT):
            open_calls[pid] = number, text.removesuffix(_CUT)
            continue
        if resumed := _RESUMED.fullmatch(text):
            began, head = open_calls.pop(pid)
            text = head + resumed[1]
        found.append(_call(text, began, number))
    # A call that never ended had begun: its writes may be there, its sync promises nothing.
    found += [_call(f"{head}) = 0", began, NEVER) for began, head in open_calls.values()]
    return sorted((call for call in found if call.result >= 0), key=lambda call: call.began)


def _call(text: str, began: int, ended: int) -> Call:
    told = _CALL.match(text)
    if told is None:
        raise ValueError(f"line {began + 1} is no call: {text[:80]}")
    name, given, result = told[1], told[2], int(told[3].replace("?", "-1"))
    if any(cut for _, cut in _TEXT.findall(given)):
        raise ValueError(f"line {began + 1}: the data was cut off")
    on = _ON.match(given)
    bare = _TEXT.sub('""', given)
    return Call(
        began=began,
        ended=ended,
        name=name,
        path=Path(_bytes(on[1]).decode()) if on else None,
        deleted=bool(on and on[2]),
        texts=tuple(_bytes(text) for text, _ in _TEXT.findall(given)),
        numbers=tuple(int(number) for number in _NUMBERS.findall(bare)),
        flags=_HEX.sub("", bare),
        result=result,
    )
