"""F13: no caller chooses the address that it is counted by, however proxies write addresses."""

import ipaddress
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory

from django_ihuyi import unread_addresses
from django_ihuyi.client_addresses import client_of, known_client_of

PROXY, REAL = "10.0.0.1", "203.0.113.7"
HEADERS = ["X-Real-IP", "CF-Connecting-IP", "True-Client-IP", "Ali-CDN-Real-IP"]
FORGEABLE = [
    "X_FORWARDED_FOR",
    "X_REAL_IP",
    "FORWARDED",
    "TRUE_CLIENT_IP",
    "CF_CONNECTING_IP",
    "CLIENT_IP",
    "ALI_CDN_REAL_IP",
]


def seen(remote=REAL, forwarded=None, **headers):
    if forwarded is not None:
        headers["HTTP_X_FORWARDED_FOR"] = forwarded
    return client_of(RequestFactory().get("/", REMOTE_ADDR=remote, **headers))


def forged(number):
    address = str(ipaddress.IPv4Address(number))
    return {f"HTTP_{name}": f"for={address}" if name == "FORWARDED" else address for name in FORGEABLE}


def meta(header):
    return "HTTP_" + header.upper().replace("-", "_")


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """A clock that a test sets, by which reports are rare; none was made before it."""
    now = [1000.0]
    monkeypatch.setattr(unread_addresses, "_hour", unread_addresses._Hour(timer=lambda: now[0]))
    return now


def test_a_thousand_forged_headers_gain_no_identity(ihuyi, figure):
    numbers = [random.getrandbits(32) for _ in range(1_000)]

    direct = {seen(**forged(number)) for number in numbers}
    ihuyi(TRUSTED_PROXY_COUNT=1)
    behind_proxy = {
        seen(PROXY, **{**headers, "HTTP_X_FORWARDED_FOR": f"{headers['HTTP_X_FORWARDED_FOR']}, {REAL}"})
        for headers in map(forged, numbers)
    }

    trusted = set()
    for header in HEADERS:
        ihuyi(TRUSTED_PROXY_COUNT=0, TRUSTED_CLIENT_IP_HEADER=header, TRUSTED_PROXIES=[PROXY, "2001:db8::7", "unix"])
        trusted |= {seen(**headers) for headers in map(forged, numbers)}
        trusted |= {seen(PROXY, **{**headers, meta(header): REAL}) for headers in map(forged, numbers)}

    figure("F13", f"{len(direct | behind_proxy | trusted) - 1} identities gained by 10000 requests with forged headers")
    assert direct == behind_proxy == trusted == {REAL}


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


WRITTEN = {
    "203.0.113.7:51234": REAL,  # IIS ARR, Azure, AWS with client ports
    "203.0.113.7:1": REAL,
    "203.0.113.7:99999": REAL,  # up to five digits: the port is not used
    " 203.0.113.7:51234\t": REAL,
    '"203.0.113.7:51234"': REAL,
    "[203.0.113.7]": REAL,
    "[203.0.113.7]:80": REAL,
    "[2001:db8:1:2::1]": "2001:db8:1:2::/64",
    "[2001:db8:1:2::1]:443": "2001:db8:1:2::/64",
    '"[2001:DB8:1:2::1]:443"': "2001:db8:1:2::/64",
    "[::ffff:203.0.113.7]:443": REAL,
    "[::ffff:cb00:7107]": REAL,
    "::ffff:203.0.113.7": REAL,
    "::ffff:203.0.113.7:443": REAL,
    "[fe80::1%eth0]:443": "fe80::/64",
    "fe80::1%eth0": "fe80::/64",
    # The last group of a bare address is a group, whatever it looks like.
    "2001:db8::1": "2001:db8::/64",
    "2001:db8:1:443": "",
    "2001:db8:1:2::443": "2001:db8:1:2::/64",
    "2001:db8:1:2:3:4:5:443": "2001:db8:1:2::/64",
    "::1:443": "::/64",
    "": "",
    "unknown": "",
    "203.0.113.7:": "",
    "203.0.113.7:123456": "",
    "203.0.113.7:http": "",
    "203.0.113.7:80:80": "",
    "203.0.113.7:-1": "",
    "203.0.113.7:٨٠": "",
    "203.0.113.7 198.51.100.1": "",
    "203.0.113.7;198.51.100.1": "",
    "for=203.0.113.7": "",
    "203.0.113.256:80": "",
    "203.0.113.7/24": "",
    ":443": "",
    "[]:443": "",
    "[203.0.113.7:80]": "",
    "[2001:db8::1": "",
    "2001:db8::1]:443": "",
    "[[2001:db8::1]]": "",
    "[2001:db8::1]443": "",
    "[2001:db8::1]:": "",
    "[" * 5_000 + "1." * 5_000: "",
}


@pytest.mark.parametrize(("text", "client"), WRITTEN.items(), ids=lambda value: value[:30])
def test_addresses_are_read_with_ports_and_brackets_wherever_they_stand(ihuyi, text, client):
    remote = seen(text)
    ihuyi(TRUSTED_PROXY_COUNT=1)
    forwarded = seen(PROXY, f"198.51.100.1, {text}")
    ihuyi(TRUSTED_PROXY_COUNT=2)
    behind_two = seen(PROXY, f"198.51.100.1,{text},198.51.100.2:80")
    ihuyi(TRUSTED_PROXY_COUNT=0, TRUSTED_CLIENT_IP_HEADER="X-Real-IP", TRUSTED_PROXIES=[PROXY])
    header = seen(PROXY, HTTP_X_REAL_IP=text)

    assert remote == client
    assert {forwarded, behind_two, header} == {client or PROXY}


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize(
    ("proxies", "remote", "value", "client"),
    [
        ([PROXY], PROXY, REAL, REAL),
        ([PROXY], f"{PROXY}:4711", f"{REAL}:4711", REAL),
        ([PROXY], f"::ffff:{PROXY}", REAL, REAL),
        ([f"::ffff:{PROXY}"], PROXY, REAL, REAL),
        (["192.0.2.1", "10.0.0.0/8"], PROXY, "2001:db8:1:2::1", "2001:db8:1:2::/64"),
        (["10.0.0.2", "10.1.0.0/16"], PROXY, REAL, PROXY),
        ([], PROXY, REAL, PROXY),
        (["unix"], PROXY, REAL, PROXY),
        # A proxy's IPv6 address is itself, not its /64 network.
        (["2001:db8::7"], "2001:db8::7", REAL, REAL),
        (["2001:db8::7"], "[2001:db8::7]:443", REAL, REAL),
        (["2001:db8::7"], "2001:db8::8", REAL, "2001:db8::/64"),
        (["2001:db8::/64"], "2001:db8::8", REAL, REAL),
        (["fe80::/10"], "fe80::1%eth0", REAL, REAL),
        (["unix"], "", REAL, REAL),
        (["unix"], "unix:", REAL, REAL),
        ([PROXY], "", REAL, ""),
        (["unix"], "nonsense", REAL, ""),
        # Malformed entries trust nothing.
        (["nonsense", "10.0.0.1/8", "", PROXY], PROXY, REAL, REAL),
        (["nonsense", "10.0.0.1/8", ""], PROXY, REAL, PROXY),
        # One value only.
        ([PROXY], PROXY, f"{REAL}, 198.51.100.1", PROXY),
        ([PROXY], PROXY, f"{REAL},{REAL}", PROXY),
        ([PROXY], PROXY, f"{REAL} 198.51.100.1", PROXY),
        ([PROXY], PROXY, f"{REAL},", PROXY),
        ([PROXY], PROXY, "", PROXY),
        ([PROXY], PROXY, None, PROXY),
        ([PROXY], PROXY, "unknown", PROXY),
    ],
)
def test_the_trusted_header_is_read_in_requests_of_trusted_proxies_only(ihuyi, header, proxies, remote, value, client):
    ihuyi(TRUSTED_CLIENT_IP_HEADER=header, TRUSTED_PROXIES=proxies)

    assert seen(remote, **({} if value is None else {meta(header): value})) == client


def test_beside_the_trusted_header_no_other_is_read(ihuyi):
    """Not even where the check that forbids both settings is silenced."""
    ihuyi(TRUSTED_CLIENT_IP_HEADER="x-real-ip", TRUSTED_PROXIES=[PROXY], TRUSTED_PROXY_COUNT=1)

    assert seen(PROXY, "198.51.100.1", HTTP_X_REAL_IP=REAL) == REAL
    assert seen(PROXY, "198.51.100.1", HTTP_X_REAL_IP="unknown") == PROXY
    assert seen(REAL, "198.51.100.1", HTTP_X_REAL_IP="198.51.100.2") == REAL


def test_trusted_proxies_mean_nothing_to_x_forwarded_for(ihuyi):
    ihuyi(TRUSTED_PROXIES=[PROXY])
    uncounted = seen(PROXY, REAL, HTTP_X_REAL_IP=REAL)
    ihuyi(TRUSTED_PROXY_COUNT=1)

    assert (uncounted, seen("10.9.9.9", REAL)) == (PROXY, REAL)


LINE = "no client address can be read from {}: {}. Behind a proxy, such clients share one address and its limits"
BY_HEADER = {"TRUSTED_CLIENT_IP_HEADER": "X-Real-IP", "TRUSTED_PROXIES": [PROXY]}
NO_PLACE = LINE.format("X-Forwarded-For", "it has no address at the place that TRUSTED_PROXY_COUNT names")
NO_VALUE = LINE.format("X-Real-IP", "it does not hold exactly one address")
UNREAD = {
    "unreadable entry": ({"TRUSTED_PROXY_COUNT": 1}, {"HTTP_X_FORWARDED_FOR": "138 0013 8000"}, NO_PLACE),
    "too few entries": ({"TRUSTED_PROXY_COUNT": 2}, {"HTTP_X_FORWARDED_FOR": REAL}, NO_PLACE),
    "no entries": ({"TRUSTED_PROXY_COUNT": 1}, {}, NO_PLACE),
    "two values": (BY_HEADER, {"HTTP_X_REAL_IP": f"{REAL}, {REAL}"}, NO_VALUE),
    "no value": (BY_HEADER, {}, NO_VALUE),
    "unlisted proxy": (
        {**BY_HEADER, "TRUSTED_PROXIES": ["10.0.0.2"]},
        {"HTTP_X_REAL_IP": REAL},
        LINE.format("X-Real-IP", "REMOTE_ADDR is not in TRUSTED_PROXIES"),
    ),
    "server": ({}, {"REMOTE_ADDR": "138 0013 8000"}, LINE.format("REMOTE_ADDR", "it is not an address")),
}


@pytest.mark.parametrize(("chosen", "headers", "line"), UNREAD.values(), ids=UNREAD)
def test_an_address_that_cannot_be_read_is_logged_once_an_hour(ihuyi, clock, caplog, chosen, headers, line):
    ihuyi(**chosen)

    for passed in (0, 1, 3598, 1, 3599, 1):
        clock[0] += passed
        client_of(RequestFactory().get("/", **{"REMOTE_ADDR": PROXY, **headers}))

    assert caplog.record_tuples == [("django_ihuyi.clients", 30, line)] * 3
    assert cache.get("ihuyi.unread_address")["source"] in line


def test_many_threads_log_one_line(ihuyi, caplog):
    ihuyi(TRUSTED_PROXY_COUNT=1)

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: seen(PROXY, "unknown"), range(500)))

    assert caplog.messages == [NO_PLACE]


@pytest.mark.parametrize(
    ("chosen", "remote", "headers"),
    [
        ({}, PROXY, {"HTTP_X_FORWARDED_FOR": "unknown", "HTTP_X_REAL_IP": "unknown"}),
        ({}, "", {}),  # known_client_of() raises an error
        ({}, "unix:", {}),
        ({"TRUSTED_PROXY_COUNT": 1}, PROXY, {"HTTP_X_FORWARDED_FOR": f"unknown, {REAL}:80"}),
        ({"TRUSTED_PROXY_COUNT": 1}, "/run/proxy.socket", {"HTTP_X_FORWARDED_FOR": REAL}),
        (BY_HEADER, PROXY, {"HTTP_X_REAL_IP": f"[{REAL}]:80", "HTTP_X_FORWARDED_FOR": "unknown"}),
        (BY_HEADER, "198.51.100.1", {}),
    ],
)
def test_what_is_not_read_is_not_logged(ihuyi, caplog, chosen, remote, headers):
    ihuyi(**chosen)

    seen(remote, **headers)

    assert (caplog.messages, cache.get("ihuyi.unread_address")) == ([], None)


@pytest.mark.parametrize("alias", ["broken", "not_there"])
def test_without_a_cache_the_log_has_the_report_and_the_request_its_client(ihuyi, settings, caplog, alias):
    down = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    settings.CACHES = {**settings.CACHES, "broken": down}
    settings.RATELIMIT_USE_CACHE = alias
    ihuyi(TRUSTED_PROXY_COUNT=1)

    client = seen(PROXY, "unknown")

    assert (client, caplog.messages, unread_addresses.read_report()) == (PROXY, [NO_PLACE], None)


def test_the_error_of_a_server_without_addresses_names_each_way_out():
    request = RequestFactory().get("/", REMOTE_ADDR="")

    with pytest.raises(ImproperlyConfigured, match=r"TRUSTED_PROXY_COUNT.+TRUSTED_CLIENT_IP_HEADER.+TRUSTED_PROXIES"):
        known_client_of(request)


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
