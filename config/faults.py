"""What is wrong with a configuration, told all at once: where, which key, why, and what may have been meant."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend: `place` is a file with its line, a variable or an option; `nearest` a valid key or empty."""

    place: str
    key: str
    reason: str
    nearest: str = ""

    def __str__(self) -> str:
        """One line in Chinese, as an operator reads it."""
        told = "：".join(part for part in (self.place, self.key, self.reason) if part)
        return f"{told}；是不是 {self.nearest}？" if self.nearest else told


class ConfigFault(Exception):
    """The start is stopped: `faults` holds every fault found, in the order of the sources."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(faults)
        self.faults = faults

    def __str__(self) -> str:
        """One line for each fault."""
        return "\n".join(str(fault) for fault in self.faults)
