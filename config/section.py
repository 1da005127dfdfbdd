"""What a section of the settings is made of: a group of keys, each with its meaning beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from msgspec import Struct

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Key:
    """What one setting means: `zh` and `en` say it, `unit` measures it, `check` returns a reason or None.

    `path` marks file names: a relative one is read against the folder of the file it stands in, or against
    the working folder when it comes from the environment or the command line.
    """

    zh: str
    en: str
    unit: str = ""
    check: Callable[[str], str | None] | None = None
    path: bool = False


class Section(Struct, frozen=True, kw_only=True):
    """A group of settings; the docstring's first line is its heading in the sample."""
