"""The child process that parses an untrusted file: file on standard input, msgpack of a RawFile on standard output.

Started clean by ``read``. It binds itself before it reads the first byte, so that a bomb ends this process and nothing
else. Exit status: 0 a result was written, MEMORY out of memory, anything else broken input (or a bug).
"""

from __future__ import annotations

import os
import resource
import sys
from typing import Final

MEMORY: Final = 3
RESULT_TOO_LARGE: Final = 4


def _bind(memory_max_bytes: int, cpu_max_s: int, result_max_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_max_s, cpu_max_s + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (result_max_bytes, result_max_bytes))
    resource.setrlimit(resource.RLIMIT_AS, (memory_max_bytes, memory_max_bytes))
    os.nice(10)


def _work(arguments: list[str]) -> int:
    import msgspec  # noqa: PLC0415 - after _bind, so that every import is under the limits

    from gateway.orgfile.cellread import read_csv, read_xlsx  # noqa: PLC0415
    from gateway.orgfile.limits import ReadLimits  # noqa: PLC0415

    limits = msgspec.json.decode(arguments[1], type=ReadLimits)
    data = sys.stdin.buffer.read(limits.file_max_bytes)
    file = (read_xlsx if arguments[0] == "xlsx" else read_csv)(data, limits)
    result = msgspec.msgpack.encode(file)
    if len(result) > limits.result_max_bytes:
        return RESULT_TOO_LARGE
    sys.stdout.buffer.write(result)
    sys.stdout.buffer.flush()
    return 0


def main(arguments: list[str]) -> int:
    """Arguments: xlsx or csv, the limits as JSON, then the three limits of the kernel as numbers."""
    memory_max_bytes, cpu_max_s, result_max_bytes = (int(text) for text in arguments[2:5])
    _bind(memory_max_bytes, cpu_max_s, result_max_bytes)
    try:
        return _work(arguments)
    except MemoryError:
        return MEMORY


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
