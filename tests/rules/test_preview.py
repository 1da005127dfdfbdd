"""The preview of a dispatch."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.audience import DEFAULT_GENERAL_SHARE, Audience, Scope, resolve, width
from gateway.rules.preview import Preview, Reminder, preview
from push.sms import text
from sms_billing.tariff import Tariff
from tests.rules import small_city as town

ORG = town.city()
SHORT = Reminder(
    text="【云水市委办】您有1件公文待签收", estimate=text.count, tariff=Tariff(price_li=50, from_at=0)
)


def expand(scope: Scope) -> Audience:
    """The scope of a dispatch by the city's office."""
    return resolve(scope, ORG, 0, {}, sender_id=10, folder_of=lambda _: "from_above")


def look(scope: Scope, reminder: Reminder | None = SHORT) -> Preview:
    """The preview with the default mark."""
    audience = expand(scope)
    share = width(audience, ORG, 0)
    return preview(audience, ORG, share, mark=DEFAULT_GENERAL_SHARE, leader_mask=7, reminder=reminder)


def test_clerks_and_leaders_are_addressed() -> None:
    """A unit document reaches clerks and leaders; each gets one message of one segment."""
    told = look(Scope(units=frozenset({20, 21})))
    assert told == Preview(
        units=2,
        persons=7,
        clerks=4,
        messages=7,
        segments_ceiling=7,
        amount_li_ceiling=350,
        general=False,
        warnings=(),
    )


def test_everyone_is_every_person() -> None:
    """A city-wide alert reaches every person of the units; more than half of the units is general."""
    told = look(Scope(everyone=True))
    assert (told.units, told.persons, told.general) == (10, 204, True)
    assert told.amount_li_ceiling == 204 * 50
    assert any("普发" in warning for warning in told.warnings)


def test_without_a_reminder_nothing_is_paid() -> None:
    """Without the tick nobody gets a message."""
    told = look(Scope(units=frozenset({20, 21})), None)
    assert (told.persons, told.messages, told.segments_ceiling, told.amount_li_ceiling) == (7, 0, 0, 0)


def test_a_long_text_costs_double_and_says_so() -> None:
    """88 characters are two segments; per message they cost one price."""
    long = Reminder(text="会" * 88, estimate=text.count, tariff=Tariff(price_li=50, from_at=0))
    told = look(Scope(units=frozenset({20})), long)
    assert (told.messages, told.segments_ceiling, told.amount_li_ceiling) == (4, 8, 400)
    assert any("每人计2条" in warning for warning in told.warnings)
    flat = Reminder(text="会" * 88, estimate=text.count, tariff=Tariff(price_li=50, from_at=0, per="message"))
    assert look(Scope(units=frozenset({20})), flat).amount_li_ceiling == 200


def test_units_without_a_clerk_are_named() -> None:
    """The sender hears which units nobody can sign for."""
    assert any("石桥村村委会" in warning for warning in look(Scope(units=frozenset({25}))).warnings)


def test_units_left_out_are_counted() -> None:
    """The sender hears how many described units will not receive."""
    org = town.city(town.frozen(town.EAST_TAX, 0))
    audience = resolve(
        Scope(regions=frozenset({town.EAST})), org, 0, {}, sender_id=10, folder_of=lambda _: "brief"
    )
    told = preview(audience, org, Fraction(1, 10), mark=Fraction(1, 2), leader_mask=7, reminder=None)
    assert any("1个单位已冻结" in warning for warning in told.warnings)


@given(
    units=st.frozensets(st.sampled_from([20, 21, 22, 23, 24, 25, 30, 40]), min_size=1), everyone=st.booleans()
)
def test_a_preview_adds_up_over_units(*, units: frozenset[int], everyone: bool) -> None:
    """The ceiling of a scope is the sum of the ceilings of its units."""
    whole = look(Scope(units=units, everyone=everyone))
    parts = [look(Scope(units=frozenset({unit}), everyone=everyone)) for unit in units]
    assert whole.persons == sum(part.persons for part in parts)
    assert whole.segments_ceiling == sum(part.segments_ceiling for part in parts)
    assert whole.amount_li_ceiling == sum(part.amount_li_ceiling for part in parts)
