"""The carrier's script: the same seed tells the same history, and the shares are what was asked for."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.sms.simulator.player import EARLY, Codes, Play, Player
from push.sms.simulator.sample import SAMPLE
from push.sms.simulator.script import ACCEPTING, TWISTS, Answers, Case, Reports, Script, read_script

CODES = Codes(login=3, throttle=8, refusals=(9, 13))
shares = st.floats(0, 1)
answers = st.lists(st.floats(0, 1 / 6), min_size=6, max_size=6).map(
    lambda told: Answers(
        **dict(zip(("refuse", "throttle", "silent", "ignore", "drop", "drop_accepted"), told, strict=True)),
    )
)
reports = st.fixed_dictionaries(dict.fromkeys(("failed", *TWISTS), shares)).map(lambda told: Reports(**told))
cases = st.lists(
    st.builds(
        Case,
        prefix=st.sampled_from(["1", "138", "139"]),
        at=st.lists(st.integers(1, 20), max_size=2).map(tuple),
        answer=st.sampled_from(["accept", "refuse", "silent"]),
        twists=st.lists(st.sampled_from(TWISTS), unique=True).map(tuple),
    ),
    max_size=2,
).map(tuple)
scripts = st.builds(
    Script,
    seed=st.integers(),
    rate_per_s=st.sampled_from([0, 0.5, 10]),
    answers=answers,
    reports=reports,
    cases=cases,
)
submits = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.lists(st.sampled_from(["13800138000", "13900139000"]), min_size=1, max_size=3).map(tuple),
        st.integers(0, 10**7),
    ),
    max_size=20,
)


def history(script: Script, asked: Sequence[tuple[str, tuple[str, ...], int]]) -> list[Play]:
    """All of it from the beginning."""
    player = Player(script, CODES)
    return [player.play(*one) for one in asked]


@given(scripts, submits)
def test_the_same_seed_tells_the_same_history(
    script: Script, asked: list[tuple[str, tuple[str, ...], int]]
) -> None:
    """Twice the same script and submits are twice the same, also after a trip through JSON."""
    again = msgspec.json.decode(msgspec.json.encode(script), type=Script)
    assert history(script, asked) == history(again, asked)


@given(scripts, submits)
def test_what_is_accepted_has_a_fate(script: Script, asked: list[tuple[str, tuple[str, ...], int]]) -> None:
    """Accepted segments have a fate per number and no code; others none. Delays never go back in time."""
    for (_, numbers, _), play in zip(asked, history(script, asked), strict=True):
        accepted = play.deed in ACCEPTING
        assert len(play.fates) == (len(numbers) if accepted else 0)
        assert (play.code != 0) == (play.deed in {"refuse", "throttle"})
        for fate in play.fates:
            finals = [one for one in fate.tellings if one.state != "waiting"]
            assert not fate.tellings or fate.stat in {one.stat for one in finals}
            assert all(one.after >= 0 or one.after == EARLY for one in fate.tellings)
            assert list(fate.tellings) == sorted(fate.tellings, key=lambda one: one.after)


def test_another_seed_tells_another_history() -> None:
    """Two carriers of the same habits do not misbehave at the same moments."""
    asked = [("a", ("13800138000",), 0)] * 200
    told = [history(Script(seed=seed, answers=Answers(refuse=0.5)), asked) for seed in (1, 2)]
    assert told[0] != told[1]


def test_the_shares_are_kept() -> None:
    """Of 20,000 submits each deed and each twist has its share, within a tenth."""
    script = read_script("[answers]\nrefuse = 0.1\nsilent = 0.2\n[reports]\nfailed = 0.1\nlost = 0.2\n")
    plays = history(script, [("a", ("13800138000",), 0)] * 20_000)
    fates = [fate for play in plays for fate in play.fates]
    assert sum(play.deed == "refuse" for play in plays) == pytest.approx(2_000, rel=0.1)
    assert sum(play.deed == "silent" for play in plays) == pytest.approx(4_000, rel=0.1)
    assert sum(fate.stat != "DELIVRD" for fate in fates) == pytest.approx(len(fates) * 0.1, rel=0.1)
    assert sum(not fate.tellings for fate in fates) == pytest.approx(len(fates) * 0.2, rel=0.1)


def test_the_rate_holds_over_ten_seconds() -> None:
    """1,000 a second offered at 3,000: within two in a hundred pass; each account has a bucket of its own."""
    player = Player(Script(rate_per_s=1_000), CODES)
    passed = {"a": 0, "b": 0}
    for n in range(30_000):
        for account in passed:
            passed[account] += player.play(account, ("1",), n * 333).deed == "accept"
    assert passed == {"a": pytest.approx(10_000, rel=0.02), "b": pytest.approx(10_000, rel=0.02)}


def test_the_sample_is_a_script_of_defaults() -> None:
    """Without its examples of cases the printed sample says what holds when nothing is said."""
    assert msgspec.structs.replace(read_script(SAMPLE), cases=()) == Script()


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("seed = 'x'", "seed"),
        ("sed = 1", "sed"),
        ("rate_per_s = -1", "rate_per_s"),
        ("refusals = [0]", "refusals"),
        ("failures = []", "failures"),
        ("failures = ['DELIVRD/0']", "failures"),
        ("failures = ['UNDELIV/999']", "failures"),
        ("answers = {refuse = 1.5}", "answers.refuse"),
        ("answers = {refuse = 0.6, drop = 0.6}", "answers"),
        ("reports = {lost = -0.1}", "reports.lost"),
        ("delays = {late = [5, 1]}", "delays"),
        ("replies = {share = 1, texts = []}", "replies.texts"),
        ("cases = [{answer = 'drop'}]", "cases"),
        ("cases = [{prefix = '1', twists = ['odd']}]", "cases"),
        ("cases = [{prefix = '1', reply = '" + "长" * 71 + "'}]", "cases.reply"),
        ("seed = ", "Invalid value"),
    ],
)
def test_a_faulty_script_names_its_field(text: str, field: str) -> None:
    """Whoever writes a script is told what is wrong with it."""
    with pytest.raises(ValueError, match=field.replace(".", r"\.")):
        read_script(text)
