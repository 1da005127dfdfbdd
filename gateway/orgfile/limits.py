"""How much an organisation file may cost. The defaults hold a city of 200,000 people (L1 has 101,800)."""

from __future__ import annotations

from inbox_store.nouns import Noun

MIB = 1024 * 1024


class ReadLimits(Noun, frozen=True, kw_only=True):
    """Limits of one reading; whatever goes beyond is refused with a fault that names the limit.

    ``ratio_max`` is unpacked to packed bytes of the whole workbook; small workbooks (``ratio_free_bytes`` unpacked)
    are spared, they compress well. The child's limits are the kernel's: it cannot talk its way out of them.
    """

    file_max_bytes: int = 48 * MIB
    members_max: int = 500
    directory_max_bytes: int = 128 * 1024
    unpacked_max_bytes: int = 400 * MIB
    ratio_max: int = 200
    ratio_free_bytes: int = 8 * MIB
    rows_max: int = 220_000
    cells_max: int = 3_000_000
    columns_max: int = 40
    cell_max_chars: int = 500
    result_max_bytes: int = 96 * MIB
    child_memory_max_bytes: int = 768 * MIB
    child_cpu_max_s: int = 20
    child_wall_max_s: float = 30.0


DEFAULT_LIMITS = ReadLimits()
