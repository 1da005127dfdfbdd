"""Which failed reports say that the number itself cannot be reached for good: no such number, or its service is stopped.

Three of them in a row mark a number bad (F19), so that its owner gets no more messages until somebody looks. Therefore
only what every source at hand reads alike is listed; when in doubt the answer is False. As of 2026-11-22. Sources: the
protocols' texts; China Mobile's code list as gateway software carries it (MK, MB, DB, ID with their meaning); the public
status lists of two clouds (Tencent, Qiniu); the lists by which number-cleaning software sorts reports.

Left out because sources differ: MK:0000 (normal / no such number), MK:0005 (SMS barred / switched off), MK:0012 (no such
number / screened by a province), MK:0013 (no such number / a field is missing), MN:0001 (refused / screened / no such
number); SGIP 12 and 24 (a charging fault too), 29 (unknown user in the text, switched off in the field), 67; SMGP 601
(no such number / blacklist), 003, 004, 008; every ``err`` of SMPP, whose numbering each message centre chooses: 1 is
"unknown subscriber" for one and "absent" for another. UNDELIV, REJECTD and EXPIRED alone tell nothing about a number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

WORDS: Final = frozenset(
    {
        "MK:0001",  # 未知用户: the home register does not know the number (GSM 09.02 error 1)
        "MB:1043",  # 用户不存在或无效的用户
        "CB:0053",  # 梦网用户不存在: 号码无效或者空号
        "DB:0100",  # 手机号码不存在
        "DB:0101",  # 手机号码错误: 号码无效或者空号
        "DB:0102",  # 用户停机
        "ID:0021",  # 用户销户
        "ID:0100",  # the same of the next gateway's platform
        "ID:0101",
        "ID:0102",
    }
)
"""Words in ``stat``. They name their origin themselves and mean the same whatever protocol or aggregator hands them on."""

CODES: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    # Report codes from 1 to 20 are not the answers' codes of the same number: Unicom hands on those of its message centre.
    ("sgip", "2"): frozenset(
        {
            "1",  # 空号
            "5",  # 停机
        }
    ),
    ("smgp", "UNDELIV"): frozenset(
        {
            "640",  # 空号, 停机
        }
    ),
}
"""Codes in ``error``, by protocol and ``stat``; without leading zeros."""

_WORD: Final = re.compile(r"([A-Z]{2}):?0?([0-9]{4})")
"""Some gateways leave the colon out, or write a fifth digit in its place (MK00001)."""


def permanent(protocol: str, stat: str, error: str = "") -> bool:
    """Whether a failed report says that the number cannot be reached for good.

    ``protocol`` is the channel's (cmpp2, cmpp3, sgip, smgp, smpp, or another way's); of one that has no codes here
    only the words count.
    """
    word = stat.strip().upper()
    named = _WORD.fullmatch(word)
    if named and f"{named[1]}:{named[2]}" in WORDS:
        return True
    return error.strip().lstrip("0") in CODES.get((protocol, word), ())
