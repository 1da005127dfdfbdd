"""Names and numbers that are nobody's, for the fictional city.

Places: every pair of one HEADS and one TAILS character. None of the 832 pairs occurs in any name of a city, county or
township in the national list of division codes of 2022 (44,600 names); villages were not compared.

Phones: China reserves no block for fiction. The numbers lie in 1540 xxx xxxx: the prefix 154 belongs to no carrier in the
numbering metadata of libphonenumber (mobile 15[0-35-9]) and has stayed empty since its neighbours were given out. That is
an observation, not a guarantee: the demo never connects a real carrier, and none should be connected to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Final

HEADS: Final = "霁岫翊昀泓珩篁缃荻蔚沚漪濯珞璟瑄皓睿穗笙翎芷苒蘅衍逸遥钰霭靖韶馥"
TAILS: Final = "陵原泽川屏岭浦湾溪洲塬沟坪峪峁崖坝滩寨堡营铺岗墩渠梁"
SIDES: Final = "东西南北上下前后"
PHONE_BLOCK: Final = "1540"
PHONES_MAX: Final = 10_000_000

SURNAMES: Final = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
GIVEN: Final = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰春梅建国志红文斌辉鹏飞雪琴丹萍宁鑫波宇浩凯健俊帆慧巧美婷云莲真环荣爱妹霜香月莺媛瑞凡佳嘉琼勤珍贞莉岚苗翠雅芝泽东正庆海山仁宝晨旭阳"


def place_stems(rng: Random) -> Iterator[str]:
    """Invented place names of two characters in a random order, then of three, each once: 7,488 in all."""
    pairs = [head + tail for head, tail in product(HEADS, TAILS)]
    rng.shuffle(pairs)
    yield from pairs
    for side in SIDES:
        yield from (side + pair for pair in pairs)


def person_name(rng: Random) -> str:
    """A common surname with one or two characters; many people may bear it, none is meant."""
    given = rng.choice(GIVEN)
    if rng.random() < 0.7:
        given += rng.choice(GIVEN)
    return rng.choice(SURNAMES) + given


def phone_number(number: int) -> str:
    """The ``number``-th fictional mobile number. Raises ValueError beyond PHONES_MAX."""
    if not 0 <= number < PHONES_MAX:
        raise ValueError(f"only {PHONES_MAX} fictional numbers, asked for number {number}")
    return f"{PHONE_BLOCK}{number:07d}"
