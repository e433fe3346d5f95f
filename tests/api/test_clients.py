"""F13: nobody chooses by which address it is counted."""

import ipaddress
import random

import pytest
from django.test import RequestFactory

from django_ihuyi.client_addresses import client_of

PROXY, REAL = "10.0.0.1", "203.0.113.7"
FORGEABLE = ["X_FORWARDED_FOR", "X_REAL_IP", "FORWARDED", "TRUE_CLIENT_IP", "CF_CONNECTING_IP", "CLIENT_IP"]


def seen(remote=REAL, forwarded=None, **headers):
    if forwarded is not None:
        headers["HTTP_X_FORWARDED_FOR"] = forwarded
    return client_of(RequestFactory().get("/", REMOTE_ADDR=remote, **headers))


def forged(number):
    address = str(ipaddress.IPv4Address(number))
    return {f"HTTP_{name}": f"for={address}" if name == "FORWARDED" else address for name in FORGEABLE}


def test_a_thousand_forged_headers_gain_no_identity(ihuyi, figure):
    numbers = [random.getrandbits(32) for _ in range(1_000)]

    direct = {seen(**forged(number)) for number in numbers}
    ihuyi(TRUSTED_PROXY_COUNT=1)
    behind_proxy = {
        seen(PROXY, **{**headers, "HTTP_X_FORWARDED_FOR": f"{headers['HTTP_X_FORWARDED_FOR']}, {REAL}"})
        for headers in map(forged, numbers)
    }

    figure("F13", f"{len(direct | behind_proxy) - 1} identities gained by 2000 requests with forged headers")
    assert direct == behind_proxy == {REAL}


@pytest.mark.parametrize(
    ("hops", "forwarded", "client"),
    [
        (0, "198.51.100.1", PROXY),
        (1, REAL, REAL),
        (1, f"198.51.100.1, {REAL}", REAL),
        (1, f"198.51.100.1,198.51.100.2,{REAL} ", REAL),
        (2, f"198.51.100.1, {REAL}, 10.0.0.2", REAL),
        (2, REAL, PROXY),  # fewer entries than proxies: one of them did not append
        (1, "", PROXY),
        (1, None, PROXY),
        (1, "unknown", PROXY),
        (1, f"{REAL}, 1' OR 1=1", PROXY),
        (1, "9" * 5_000, PROXY),
        (1, "::ffff:203.0.113.7", REAL),
        (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ],
)
def test_the_client_stands_as_many_places_from_the_right_as_there_are_proxies(ihuyi, hops, forwarded, client):
    ihuyi(TRUSTED_PROXY_COUNT=hops)

    assert seen(PROXY, forwarded) == client


def test_one_subscriber_s_ipv6_addresses_are_one_client():
    addresses = {seen(f"2001:db8:1:2:{number:x}::{number:x}") for number in range(10_000)}
    scoped = {seen(f"fe80::{number:x}%eth{number}") for number in range(100)}

    assert addresses == {"2001:db8:1:2::/64"}
    assert scoped == {"fe80::/64"}
    assert seen("2001:db8:1:3::1") == "2001:db8:1:3::/64"


def test_an_ipv4_mapped_ipv6_address_is_the_same_client():
    assert seen(f"::ffff:{REAL}") == seen("::FFFF:CB00:7107") == REAL


def test_a_server_that_knows_no_address_is_told_apart_from_a_client():
    assert seen("") == seen("unix:") == ""
