"""Where an endpoint that a user handed in may lead."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.app.connecting import AddressRefused, allowed_addresses
from push.app.endpoints import Endpoint, EndpointFault, EndpointRules, address_allowed, check_endpoint

PUBLIC = EndpointRules()
HOUSE = EndpointRules(
    hosts=("push.house.example", "10.1.2.3"), networks=("10.20.0.0/16", "fd00::/8"), http=True
)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://fcm.googleapis.com/fcm/send/abc:def", "https://fcm.googleapis.com"),
        (
            "https://updates.push.services.mozilla.com:443/wpush/v2/a",
            "https://updates.push.services.mozilla.com",
        ),
        ("https://WNS2.notify.windows.com/w/?token=a%2b", "https://wns2.notify.windows.com"),
        ("https://1.1.1.1/a", "https://1.1.1.1"),
        ("https://[2606:4700::1111]/a", "https://[2606:4700::1111]"),
        ("https://push.example.net.", "https://push.example.net"),
    ],
)
def test_what_passes(url: str, origin: str) -> None:
    """Public hosts over https on the usual port."""
    told = check_endpoint(url, PUBLIC)
    assert (told.url, told.origin, told.port) == (url, origin, 443)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "length"),
        ("https://push.example.net/" + "a" * 1000, "length"),
        ("https://push.example.net/a b", "characters"),
        ("https://push.example.net/\t", "characters"),
        ("https://push.example.net\\@10.0.0.1/", "characters"),
        ("https://例子.example/a", "characters"),
        ("https://push.example.net/#a", "characters"),
        ("http://push.example.net/a", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("//push.example.net/a", "scheme"),
        ("https://user@push.example.net/a", "credentials"),
        ("https://user:pass@push.example.net/a", "credentials"),
        ("https://push.example.net:8443/a", "port"),
        ("https://push.example.net:22/a", "port"),
        ("https://push.example.net:99999/a", "unreadable"),
        ("https://[::1/a", "unreadable"),
        ("https://localhost/a", "local_name"),
        ("https://oa/a", "local_name"),
        ("https://a.localhost/a", "local_name"),
        ("https:///a", "host"),
        ("https://a..example/a", "host"),
        ("https://%31%32%37.0.0.1/a", "host"),
        ("https://127.1/a", "host"),
        ("https://2130706433/a", "host"),
        ("https://0x7f000001/a", "host"),
        ("https://0x7f.0.0.0x1/a", "host"),
        ("https://0177.0.0.1/a", "host"),
        ("https://127.0.0.1/a", "address"),
        ("https://10.0.0.1/a", "address"),
        ("https://172.16.0.1/a", "address"),
        ("https://192.168.1.1/a", "address"),
        ("https://169.254.169.254/latest/meta-data", "address"),
        ("https://100.64.0.1/a", "address"),
        ("https://0.0.0.0/a", "address"),
        ("https://224.0.0.1/a", "address"),
        ("https://255.255.255.255/a", "address"),
        ("https://[::1]/a", "address"),
        ("https://[::]/a", "address"),
        ("https://[fe80::1]/a", "address"),
        ("https://[fd00::1]/a", "address"),
        ("https://[ff02::1]/a", "address"),
        ("https://[::ffff:127.0.0.1]/a", "address"),
        ("https://[::ffff:10.0.0.1]/a", "address"),
        ("https://[64:ff9b::7f00:1]/a", "address"),
        ("https://[2002:7f00:1::]/a", "address"),
        ("https://[::127.0.0.1]/a", "address"),
        ("https://[fe80::1%25eth0]/a", "host"),
    ],
)
def test_what_is_refused(url: str, code: str) -> None:
    """Each trick under its own name, and the fault never shows the endpoint."""
    with pytest.raises(EndpointFault) as told:
        check_endpoint(url, PUBLIC)
    assert told.value.code == str(told.value) == code


@pytest.mark.parametrize(
    "url",
    [
        "https://push.house.example:8443/a",
        "http://push.house.example/a",
        "https://10.1.2.3/a",
        "http://10.1.2.3:8080/a",
        "https://10.20.30.40/a",
        "https://[fd00::1]/a",
    ],
)
def test_what_a_house_lists(url: str) -> None:
    """Listed hosts go on any port, without TLS where that is allowed; listed networks on the usual port."""
    assert check_endpoint(url, HOUSE).url == url


@pytest.mark.parametrize("url", ["http://10.20.30.40/a", "https://10.1.2.4/a", "https://10.20.30.40:8443/a"])
def test_what_a_list_does_not_open(url: str) -> None:
    """A listed host opens itself only, a listed network only its addresses."""
    with pytest.raises(EndpointFault):
        check_endpoint(url, HOUSE)


@pytest.mark.parametrize(
    ("field", "value"), [("networks", ("10.0.0.1/8",)), ("networks", ("house",)), ("ports", (0,))]
)
def test_rules_that_mean_nothing(field: str, value: Sequence[object]) -> None:
    """A wrong setting is told at the start, by its name."""
    with pytest.raises(ValueError, match=field):
        EndpointRules(**{field: value})  # type: ignore[arg-type]


@given(st.ip_addresses())
def test_no_private_address_passes(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """What the standard library calls private, loopback, link-local or multicast is never allowed."""
    inner = address.is_private or address.is_loopback or address.is_link_local or address.is_multicast
    assert not (inner and address_allowed(address))


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever comes, it is an endpoint or an EndpointFault."""
    for url in (text, f"https://{text}", f"https://{text}/a"):
        with suppress(EndpointFault):
            assert check_endpoint(url, PUBLIC).origin.startswith("https://")


async def _names(*addresses: str) -> list[str]:
    return list(addresses)


async def test_a_name_that_means_our_network_is_refused() -> None:
    """The addresses of a name are checked when it is connected to, whatever they were before."""
    endpoint = Endpoint("https://push.example.net/a", "https://push.example.net", "push.example.net", 443)
    with pytest.raises(AddressRefused):
        await allowed_addresses(endpoint, PUBLIC, lambda _host, _port: _names("127.0.0.1", "::1", "10.0.0.1"))
    mixed = await allowed_addresses(endpoint, PUBLIC, lambda _host, _port: _names("10.0.0.1", "1.1.1.1"))
    assert mixed == ["1.1.1.1"]
    with pytest.raises(AddressRefused):
        await allowed_addresses(endpoint, PUBLIC, lambda _host, _port: _names("fe80::1%eth0"))


async def test_a_listed_name_may_mean_our_network() -> None:
    """The house's own push host lies in the house."""
    endpoint = check_endpoint("https://push.house.example/a", HOUSE)
    assert await allowed_addresses(endpoint, HOUSE, lambda _host, _port: _names("10.0.0.1")) == ["10.0.0.1"]
