"""How a valid example is spoilt: step by step, each step made by one seed. Pure.

JSON is spoilt as a tree, so that what comes out is mostly well-formed and reaches deep; then, now and then, as bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, Final


class Raw(bytes):
    """A piece of JSON text that stands as it is, well-formed or not."""

    __slots__ = ()


class Members(list[tuple[bytes, Any]]):
    """The members of an object in order; a name may come twice."""


Spoil = Callable[[Random, list[Any], int], None]

DEEP: Final = (Raw(b"[" * 40 + b"]" * 40), Raw(b"[" * 5_000 + b"]" * 5_000), Raw(b"[" * 100_000))
NUMBERS: Final = tuple(
    Raw(text)
    for text in (
        *(b"0", b"-0", b"-1", b"1", b"1.5", b"1e2", b"1E400", b"-1e999", b"01", b"+1", b".5", b"0x10"),
        *(b"9007199254740991", b"9007199254740992", b"-9007199254740993", b"9223372036854775808"),
        *(b"18446744073709551616", b"9" * 400, b"9" * 5_000, b"1" + b"0" * 300 + b".0", b"NaN", b"-Infinity"),
    )
)
TEXTS: Final = tuple(
    Raw(b'"' + text + b'"')
    for text in (
        *(b"", b" ", b"\\u0000", b"a\\u0000b", b"\\ud800", b"\\udfff\\ud800", b"\\ud83d\\ude00", b"\\u202e"),
        *(b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\x00", b"\x1f", b"\n", b"\\x", b"\\", b"\xef\xbf\xbf"),
        *(b"a" * 301, b"a" * 70_000, "汉".encode() * 30_000, "𠮷".encode() * 200, b"=1+1", b"'--", b"%s{}"),
        *(b"2026-02-30", b"2026-06-01", b"0001-01-01", b"9999-12-31", b"2026-06-01T09:00:00"),
        *(b"0001-01-01T00:00:00+14:00", b"9999-12-31T23:59:60-12:00", b"2026-06-01T09:00:00+08:00"),
        *(b"2026-06-01T09:00:00.123456789Z", b"-1", b"1", b"true", b"../../etc", b"clerk", b"city"),
    )
)
OTHERS: Final = tuple(
    Raw(text)
    for text in (
        *(
            b"null",
            b"true",
            b"false",
            b"[]",
            b"{}",
            b"[[]]",
            b'{"":0}',
            b"",
            b"'x'",
            b"//x",
            b"nul",
            b"{1:2}",
        ),
        b"[" + b"1," * 20_000 + b"1]",
        b"[" + b'"a",' * 20_000 + b'"b"]',
        b"{" + b",".join(b'"%d":0' % number for number in range(3_000)) + b"}",
    )
)
ODD: Final = (*NUMBERS, *TEXTS, *OTHERS, *DEEP)
"""What may stand where something else is expected."""

PIECES: Final = (
    *(
        b"\x00",
        b"\xff",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\r\n",
        b"\r\n\r\n",
        b'"',
        b"'",
        b"\\",
        b"=",
        b"<",
        b"&",
    ),
    *(
        b"[" * 3_000,
        b"a={a=" * 1_000,
        b"a." * 20_000,
        b"%00",
        b"%",
        b"..",
        b"/",
        b"\x1b[0m",
        b"-1",
        b"4294967295",
        b"9" * 40,
        b"A" * 5_000,
        b"\x80" * 64,
    ),
    *(
        "汉".encode(),
        "汉".encode("gb18030"),
        "\u202e".encode(),
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"PK\x03\x04",
    ),
)
"""What is put into bytes."""

SHORT_BYTES: Final = 2_000
LONG_BYTES: Final = 200_000
"""What is longer is not copied hundreds of times, or not spoilt further: no door lets such a body in."""

CHARS: Final = (
    *("\0", "\x07", "\n", "\r", "\t", "\x1b", "\x7f", "\x85", "\xa0", "\u200b", "\u202e", "\u2028", "\u3000"),
    *(
        "\ufeff",
        "\ufffd",
        "\uffff",
        "\ud800",
        "\udfff",
        "\U0001f600",
        "\U00020bb7",
        "\U0010ffff",
        "é",
        "e\u0301",
    ),
    *("=", "+", "-", "@", "＝", '"', "'", ",", ";", "\\", "/", "%", "&", "<", ".", "..", "~", "0", "9" * 30),
    *("１", "²", "٣", "ß", "İ", "ﬁ", "a" * 600, "汉" * 3_000),
)
"""What is put into texts."""


def spoilt_bytes(data: bytes, steps: Iterable[int]) -> bytes:
    """``data`` after these steps: bits turned, pieces put in, cut out, doubled, exchanged, the end lost."""
    for step in steps:
        made = Random(step)
        at, end = sorted((made.randint(0, len(data)), made.randint(0, len(data))))
        end = min(end, at + made.choice((1, 2, 4, 16, 400)))
        data = _BYTE_STEPS[made.randrange(len(_BYTE_STEPS))](data, at, end, made)
    return data


_BYTE_STEPS: Final[Sequence[Callable[[bytes, int, int, Random], bytes]]] = (
    lambda data, at, _, made: data[:at] + bytes((made.randrange(256),)) + data[at + 1 :],
    lambda data, at, _, made: data[:at] + bytes(b ^ (1 << made.randrange(8)) for b in data[at : at + 1]) + data[at + 1 :],
    lambda data, at, _, made: data[:at] + made.choice(PIECES) + data[at:],
    lambda data, at, end, made: data[:at] + made.choice(PIECES)[: end - at] + data[end:],
    lambda data, at, end, _: data[:at] + data[end:],
    lambda data, at, end, made: data[:end] + data[at:end] * made.choice((1, 2, 50)) + data[end:],
    lambda data, at, end, made: data[:at] + made.choice((b"\x00", b"\xff", b"\x7f")) * (end - at) + data[end:],
    lambda data, at, end, _: data[end:] + data[at:end] + data[:at],
    lambda data, at, _end, _made: data[:at],
)  # fmt: skip


def spoilt_text(text: str, steps: Iterable[int]) -> str:
    """``text`` after these steps; lone surrogates, controls and forms that fold into others among them."""
    for step in steps:
        made = Random(step)
        at, end = sorted((made.randint(0, len(text)), made.randint(0, len(text))))
        what = made.choice(CHARS)
        text = made.choice(
            (
                text[:at] + what + text[at:],
                text[:at] + what + text[end:],
                text[:at] + text[end:],
                text[:end] + text[at:],
                text[:at] + text[at:end].swapcase() + text[end:],
                text[::-1],
            )
        )
    return text


def tree_of(document: bytes) -> Any:  # noqa: ANN401 - JSON
    """A JSON document as a tree that can be spoilt."""
    return _leaves(json.loads(document, object_pairs_hook=Members))


def _leaves(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, Members):
        return Members((json.dumps(name).encode(), _leaves(item)) for name, item in value)
    if isinstance(value, list):
        return [_leaves(item) for item in value]
    return Raw(json.dumps(value, ensure_ascii=False).encode())


def _copied(tree: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(tree, Members):
        return Members((name, _copied(item)) for name, item in tree)
    return list(map(_copied, tree)) if isinstance(tree, list) else tree


def text_of(tree: Any) -> bytes:  # noqa: ANN401 - JSON
    """The tree as JSON text."""
    if isinstance(tree, Raw):
        return tree
    if isinstance(tree, Members):
        return b"{" + b",".join(name + b":" + text_of(item) for name, item in tree) + b"}"
    return b"[" + b",".join(map(text_of, tree)) + b"]"


def spoilt_json(document: bytes, steps: Iterable[int]) -> bytes:
    """``document`` after these steps, one in eight of which is done to the bytes."""
    root, late = [tree_of(document)], []
    for step in steps:
        made = Random(step)
        places = _places(root)
        if not places or made.randrange(8) == 0 or len(b"".join(map(text_of, root))) > LONG_BYTES:
            late.append(step + 1)
            continue
        container, at = made.choice(places)
        _TREE_STEPS[made.randrange(len(_TREE_STEPS))](made, container, at)
    return spoilt_bytes(b"".join(map(text_of, root)), late)


def _places(container: list[Any]) -> list[tuple[list[Any], int]]:
    found = []
    for at, item in enumerate(container):
        found.append((container, at))
        inner = item[1] if isinstance(container, Members) else item
        if isinstance(inner, list):
            found += _places(inner)
    return found


def _put(container: list[Any], at: int, value: Any) -> None:  # noqa: ANN401 - JSON
    container[at] = (container[at][0], value) if isinstance(container, Members) else value


def _held(container: list[Any], at: int) -> Any:  # noqa: ANN401 - JSON
    return container[at][1] if isinstance(container, Members) else container[at]


def _odd(made: Random, container: list[Any], at: int) -> None:
    _put(container, at, made.choice(ODD))


def _likely(made: Random, container: list[Any], at: int) -> None:
    """Of the same sort, so that it may pass the type and go on."""
    held = _held(container, at)
    same = TEXTS if isinstance(held, Raw) and held.startswith(b'"') else NUMBERS
    _put(container, at, made.choice(same))


def _inside(made: Random, container: list[Any], at: int) -> None:
    """Something odd inside a text, escaped as JSON does."""
    held = _held(container, at)
    if isinstance(held, Raw) and held.startswith(b'"') and len(held) < 10_000:
        text = spoilt_text(held[1:-1].decode(errors="replace"), [made.randrange(2**32)])
        _put(container, at, Raw(json.dumps(text).encode()))


def _lost(_made: Random, container: list[Any], at: int) -> None:
    del container[at]


def _twice(made: Random, container: list[Any], at: int) -> None:
    short = len(text_of(_held(container, at))) < SHORT_BYTES
    times = made.choice((1, 1, 3, 300 if short else 1))
    for _ in range(times):
        container.insert(at, container[at])
        _put(container, at, _copied(_held(container, at)))


def _renamed(made: Random, container: list[Any], at: int) -> None:
    if isinstance(container, Members):
        container[at] = (made.choice((b'"x"', *TEXTS)), container[at][1])


def _wrapped(made: Random, container: list[Any], at: int) -> None:
    held = _held(container, at)
    for _ in range(made.choice((1, 1, 2, 40))):
        held = [held] if made.randrange(2) else Members([(b'"a"', held)])
    _put(container, at, held)


def _stranger(made: Random, container: list[Any], at: int) -> None:
    held = _held(container, at)
    if isinstance(held, Members):
        held.append((b'"unknown"', made.choice(ODD)))


def _moved(made: Random, container: list[Any], at: int) -> None:
    other = made.randrange(len(container))
    mine, theirs = _held(container, at), _held(container, other)
    _put(container, at, theirs)
    _put(container, other, mine)


_TREE_STEPS: Final[Sequence[Spoil]] = (
    _odd, _odd, _likely, _likely, _inside, _inside, _lost, _twice, _renamed, _wrapped, _stranger, _moved,
)  # fmt: skip
