"""Which passwords are refused, and why, in the words an office would use.

Two policies contradict each other and an installation chooses one: ``mlps3`` (等保三级, GB/T 22239: composition and
history) and ``asvs`` (OWASP ASVS 5.0 6.2: length and a blocklist, no composition, no history).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

PasswordPolicy = Literal["mlps3", "asvs"]

LENGTH_MIN: Final = 8
LENGTH_MAX: Final = 128
"""Characters; an upper bound keeps one request from hashing megabytes (ASVS 6.2.9 asks for at least 64)."""

HISTORY: Final[dict[PasswordPolicy, int]] = {"mlps3": 5, "asvs": 0}
"""How many earlier passwords may not come back."""

TOO_SHORT: Final = "密码至少 {} 位"
TOO_LONG: Final = f"密码不超过 {LENGTH_MAX} 位"
UNPRINTABLE: Final = "密码不得包含不可见字符"
TOO_PLAIN: Final = "密码须包含大写字母、小写字母、数字、符号中的至少三类"
HAS_LOGIN: Final = "密码不得包含登录名"
COMMON: Final = "密码过于常见, 容易被猜中"
USED_BEFORE: Final = f"密码不得与最近 {HISTORY['mlps3']} 次用过的相同"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COMMON_WHOLE: Final = _words("""
    00000000 11111111 11223344 12121212 12341234 12344321 12345678 123456789 1234567890
    123123123 123321123 147258369 159357456 18181818 1q2w3e4r 1q2w3e4r5t 1qaz2wsx 1qazxsw2
    20082008 31415926 3edc4rfv 5201314520 52013145 66666666 741852963 77777777 87654321 88888888
    963852741 987654321 99999999 a1b2c3d4 aa123456 abc12345 abcd1234 asdf1234 asdfghjkl
    iloveyou123 monkey123 p0o9i8u7 q1w2e3r4 qazwsxedc qwer1234 qwertyuiop woaini1314 woaini520
    zaq12wsx zxcvbnm123 zxcvbnm1
""")
_COMMON_STEM: Final = _words("""
    abc abcd abcdef admin administrator asdf asdfgh asdfghjkl changeme default guest iloveyou
    letmein login manager master oracle passwd password qazwsx qwer qwert qwerty qwertyuiop root
    secret songda sunshine super superman support system temp test user welcome woaini wodemima
    mima zxcv zxcvbn zxcvbnm gongwen bangong zhengfu
""")
_LEET: Final = str.maketrans({"@": "a", "0": "o", "$": "s", "3": "e", "!": "i", "5": "s"})
_TAIL: Final = re.compile(r"[\d\W_]{0,8}$")


def normal(password: str) -> str:
    """The form in which a password is checked and hashed: NFC (RFC 8265 §4.2), so that two keyboards agree.

    Half of a surrogate pair, which JSON can smuggle in, is no character and becomes a question mark.
    """
    return unicodedata.normalize("NFC", password).encode(errors="replace").decode()


def _kinds(password: str) -> int:
    """How many of the four kinds appear: upper case, lower case, digits, anything else."""
    kinds = {
        "upper" if c.isupper() else "lower" if c.islower() else "digit" if c.isdigit() else "other"
        for c in password
    }
    return len(kinds)


def _is_common(password: str) -> bool:
    """Whether it is on the list, one character repeated, or a listed word with a short tail (P@ssw0rd2024!)."""
    low = password.casefold()
    if low in _COMMON_WHOLE or len(set(low)) <= 2:
        return True
    stems = {_TAIL.sub("", low), _TAIL.sub("", low).translate(_LEET)}
    return bool(stems & _COMMON_STEM)


def faults(
    password: str, *, login: str, policy: PasswordPolicy = "mlps3", length_min: int = LENGTH_MIN
) -> list[str]:
    """Everything wrong with ``password`` for the account ``login``, in Chinese; empty when it may be used.

    The history is not looked at here: comparing costs one argon2 each, see ``gateway.passwords``.
    """
    told = normal(password)
    found = [
        (len(told) < length_min, TOO_SHORT.format(length_min)),
        (len(told) > LENGTH_MAX, TOO_LONG),
        (not told.isprintable(), UNPRINTABLE),
        (policy == "mlps3" and _kinds(told) < 3, TOO_PLAIN),
        (len(login) >= 3 and login.casefold() in told.casefold(), HAS_LOGIN),
        (len(told) <= LENGTH_MAX and _is_common(told), COMMON),
    ]
    return [fault for wrong, fault in found if wrong]
