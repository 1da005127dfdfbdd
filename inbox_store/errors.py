"""What the store and the flows refuse, as a value with a code."""

from __future__ import annotations


class Refused(Exception):
    """An expected refusal: the transaction is rolled back and nothing is changed.

    ``code`` is stable and documented (the doors map it to a status and a title in Chinese and English); ``params``
    name the place, so that the answer can say what to mend.
    """

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code, params)
        self.code = code
        self.params = params

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        return f"{self.code}({told})"


class StoreBroken(RuntimeError):
    """The store can no longer promise durability (I/O error, disk full in the commit): it stops accepting.

    A failed fsync is never repeated as if nothing had happened (faults.md 12): the process must be restarted.
    """


class StoreFull(RuntimeError):
    """There is no space left: the transaction was rolled back whole; it may be tried again when space returns."""
