"""The doctor reports each problem in one line with the next step, and sends nothing."""

import datetime
import json
import os
import re
import socket
import time

import pytest
import trustme
from django.db import connection

from django_ihuyi import unread_addresses
from django_ihuyi.client_addresses import client_of
from django_ihuyi.doctor.channels import judge_clock
from django_ihuyi.doctor.diagnoses import Level
from django_ihuyi.models import Message
from django_ihuyi.simulator import Account
from tests.support.live_platform import ACCOUNT, OPTIONS, PATH, REDIS, submits
from tests.support.misbehaving_servers import ACCEPTED, Server, answer, says, tls_server

pytestmark = pytest.mark.django_db

HEALTHY = [
    (
        "WARN  settings: ihuyi.W004: IHUYI['ALLOW_LOOPBACK'] is on. "
        "Set ALLOW_LOOPBACK to False: only a simulator on the same machine needs it."
    ),
    "OK    keys: Codes and proofs are derived from SECRET_KEY.",
    (
        "OK    proxies: TRUSTED_PROXY_COUNT is 0: X-Forwarded-For is not read; the client is the address that "
        "connects. Behind one proxy, set it to 1; otherwise all clients share the proxy's address and its limits."
    ),
    "OK    database default: DATABASE answers, and the tables of ihuyi are up to date.",
    "OK    database default: Its clock differs from this machine's by +0 seconds; 30 are allowed.",
    "OK    cache default: No limit is counted in this cache.",
    "OK    sms name: 127.0.0.1 is 127.0.0.1.",
    "OK    sms connection: Plain http, but only within this machine.",
    "OK    sms clock: The platform's clock differs from this machine's by +0 seconds; 30 are allowed.",
    "OK    sms account: The platform accepts the account, its key and this machine's address.",
    "OK    sms balance: 10000000 messages are left.",
]


def about(subject, lines):
    """Return the lines about one subject."""
    return [line for line in lines if line[6:].startswith(f"{subject}: ")]


def failures(lines):
    return [line for line in lines if line.startswith("FAIL")]


def test_a_healthy_site_is_reported_line_by_line_and_nothing_is_sent(platform, run):
    simulator = platform()

    exit_code, lines = run("ihuyi_doctor")

    # A second may end between the readings of two clocks.
    seen = [re.sub(r"by [+-][01] s", "by +0 s", line) for line in lines]
    assert (exit_code, seen) == (0, [line.replace("DATABASE", connection.display_name) for line in HEALTHY])
    assert submits(simulator) == []
    assert not Message.objects.exists()


REFUSED = {
    "wrong key": (
        ACCOUNT,
        {"api_key": "4b1deb4d3b7d4bad9bdd2b0d7b3dcb6a"},
        (
            "FAIL  sms account: The platform refuses with 40502. "
            "The dynamic password does not match; compare the key, and make sure that nothing on the way changes the "
            "request."
        ),
    ),
    "wrong key, sent as it is": (
        ACCOUNT,
        {"api_key": "4b1deb4d3b7d4bad9bdd2b0d7b3dcb6a", "dynamic_password": False},
        "FAIL  sms account: The platform refuses with 405. ",
    ),
    "unknown account": (ACCOUNT, {"account": "C11111112"}, "FAIL  sms account: The platform refuses with 405. "),
    "frozen account": (
        Account(account=OPTIONS["account"], api_key=OPTIONS["api_key"], is_frozen=True),
        {},
        "FAIL  sms account: The platform refuses with 4050. ",
    ),
    "address that is not filed": (
        Account(account=OPTIONS["account"], api_key=OPTIONS["api_key"], addresses=("203.0.113.9",)),
        {},
        "FAIL  sms account: The platform refuses with 4052. ",
    ),
    "no messages left": (
        Account(account=OPTIONS["account"], api_key=OPTIONS["api_key"], balance=0),
        {},
        (
            "FAIL  sms balance: 0 messages are left. "
            "Buy more in the platform's user centre: at zero the platform refuses every message with 4051."
        ),
    ),
}


@pytest.mark.parametrize(("account", "options", "line"), REFUSED.values(), ids=REFUSED)
def test_a_refused_account_is_the_only_failure(platform, run, account, options, line):
    simulator = platform(account=account, options=options)

    exit_code, lines = run("ihuyi_doctor")

    assert exit_code == 1
    [failure] = failures(lines)
    assert failure.startswith(line)
    assert submits(simulator) == []


def test_a_refused_address_is_shown(platform, run):
    platform(account=REFUSED["address that is not filed"][0])

    _, lines = run("ihuyi_doctor")

    [line] = about("sms account", lines)
    assert line.endswith("This machine calls from 127.0.0.1; behind a router the platform sees the router's address.")


def test_few_messages_are_a_warning(platform, run):
    platform(account=Account(account=OPTIONS["account"], api_key=OPTIONS["api_key"], balance=1))

    exit_code, lines = run("ihuyi_doctor")

    assert exit_code == 0
    assert about("sms balance", lines) == [
        (
            "WARN  sms balance: 1 message is left. "
            "Buy more in the platform's user centre: at zero the platform refuses every message with 4051."
        )
    ]


@pytest.mark.parametrize(("ahead", "level"), [(3600, "FAIL"), (-3600, "FAIL"), (120, "WARN"), (-120, "WARN")])
def test_a_wrong_clock_is_reported_with_its_error(platform, run, ahead, level):
    platform(options={"clock": lambda: time.time() - ahead})

    exit_code, lines = run("ihuyi_doctor")

    assert exit_code == (level == "FAIL")
    [line] = about("sms clock", lines)
    # The header has whole seconds, and one may end between the readings of the two clocks.
    words = "The platform's clock differs from this machine's by"
    assert line.startswith(tuple(f"{level:<4}  sms clock: {words} {error:+d} " for error in (ahead, ahead - 1)))
    assert line.endswith(
        " seconds; 30 are allowed. "
        "Synchronize this machine's clock by NTP: the platform refuses passwords with an old time (40501)."
    )


@pytest.mark.parametrize(
    ("skew", "level"),
    [(30, Level.OK), (-30, Level.OK), (31, Level.WARN), (300, Level.WARN), (301, Level.FAIL), (None, Level.WARN)],
)
def test_clock_skew_is_judged_by_its_size(skew, level):
    assert judge_clock("sms clock", skew).level is level


def test_a_closed_port_is_reported(site, run):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    site(f"http://127.0.0.1:{port}{PATH}")

    exit_code, lines = run("ihuyi_doctor")

    assert exit_code == 1
    assert lines[-2:] == [
        "OK    sms name: 127.0.0.1 is 127.0.0.1.",
        ("FAIL  sms connection: 127.0.0.1: The connection was refused. Check the firewall and the channel's url."),
    ]


def test_an_unknown_host_name_is_reported(site, run, configure, settings):
    def no_such_name(*_args, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    site("https://106.ihuyi.com/webservice/sms.php", lookup=no_such_name)

    exit_code, lines = run("ihuyi_doctor")

    assert exit_code == 1
    assert lines[-1] == (
        "FAIL  sms name: 106.ihuyi.com: The host name was not found. Check this machine's DNS and the channel's url."
    )


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def roots(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("tls") / "roots.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
CERTIFICATES = {
    "expired": (
        lambda ca: ca.issue_cert("localhost", not_before=PAST, not_after=PAST.replace(month=2)),
        "certificate has expired",
    ),
    "for another host": (
        lambda ca: ca.issue_cert("106.ihuyi.com"),
        "Hostname mismatch, certificate is not valid for 'localhost'.",
    ),
    "of an unknown authority": (
        lambda _ca: trustme.CA().issue_cert("localhost"),
        "unable to get local issuer certificate",
    ),
}


@pytest.mark.parametrize(("make", "words"), CERTIFICATES.values(), ids=CERTIFICATES)
def test_an_invalid_certificate_is_reported_and_no_request_is_sent(site, run, authority, roots, make, words):
    with Server(says(answer(ACCEPTED)), tls=tls_server(make(authority))) as server:
        site(server.url(host="localhost"), verify=roots)
        exit_code, lines = run("ihuyi_doctor")

    assert exit_code == 1
    assert lines[-1] == (
        f"FAIL  sms connection: localhost: The certificate is not valid. ({words}) "
        "Another server may be answering: look for a proxy that decrypts TLS, and check `verify`."
    )
    assert server.requests == []


@pytest.mark.parametrize(("days", "level"), [(60, "OK"), (7, "WARN")])
def test_a_certificate_is_reported_with_its_remaining_days(site, run, authority, roots, days, level):
    ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days, hours=1)
    balance = answer(b'{"code":2,"msg":"","num":500}')
    with Server(says(balance), tls=tls_server(authority.issue_cert("localhost", not_after=ends))) as server:
        site(server.url(host="localhost"), verify=roots)
        exit_code, lines = run("ihuyi_doctor")

    assert exit_code == 0
    assert about("sms connection", lines) == [
        f"{level:<4}  sms connection: TLSv1.3, and the certificate is valid for {days} more days."
    ]
    assert about("sms balance", lines) == ["OK    sms balance: 500 messages are left."]
    assert about("sms clock", lines)[0].startswith("WARN  sms clock: The platform's answer has no Date header.")


def test_an_undocumented_answer_is_reported(site, run):
    with Server(says(answer(b"<html>Please log in</html>"))) as server:
        site(server.url())
        exit_code, lines = run("ihuyi_doctor")

    assert exit_code == 1
    assert lines[-1] == (
        "FAIL  sms account: The answer is not what the platform documents. "
        "Check the channel's url: another server than the platform's may be answering."
    )


def test_no_secret_is_printed(platform, run, settings):
    settings.SECRET_KEY_FALLBACKS = ["f" * 50]
    platform(options={"dynamic_password": False})

    printed = " ".join(run("ihuyi_doctor", "--send-to", "13800138000")[1] + run("ihuyi_doctor", "--json")[1])

    secrets = (OPTIONS["api_key"], OPTIONS["account"], "k" * 50, "f" * 50, "13800138000")
    assert [secret for secret in secrets if secret in printed] == []
    assert "1 older key is accepted" in printed


def test_json_has_the_same_diagnoses(platform, run):
    platform()

    exit_code, lines = run("ihuyi_doctor", "--json")
    said = json.loads("\n".join(lines))

    assert (exit_code, said["healthy"]) == (0, True)
    assert said["diagnoses"][-1] == {
        "level": "OK",
        "subject": "sms balance",
        "text": "10000000 messages are left.",
        "advice": "",
    }


def test_the_output_is_translated(platform, run, settings):
    settings.LANGUAGE_CODE = "zh-hans"
    platform(account=REFUSED["frozen account"][0])

    _, lines = run("ihuyi_doctor")

    assert about("keys", lines) == ["OK    keys: 验证码和凭证由 SECRET_KEY 生成。"]
    assert about("sms account", lines)[0].startswith("FAIL  sms account: 平台拒绝，返回码 4050。 ")


def test_unreadable_settings_end_the_examination(run, settings):
    settings.IHUYI = {"CHANNELS": {"sms": "console"}}

    exit_code, lines = run("ihuyi_doctor")

    assert exit_code == 1
    assert lines[0].startswith("FAIL  settings: ihuyi.E003: IHUYI['CHANNELS'] must be of the type ")
    assert (
        lines[-1]
        == "FAIL  settings: Nothing else can be examined. Correct these settings first, then run the doctor again."
    )


def test_an_unusable_channel_is_reported(run, configure):
    configure(CHANNELS={"sms": {"BACKEND": "no.such.Backend"}})

    exit_code, lines = run("ihuyi_doctor")

    assert exit_code == 1
    assert lines[-1].startswith("FAIL  sms: IHUYI['CHANNELS']['sms'] cannot be used")


def test_a_backend_without_an_account_is_ok(run):
    exit_code, lines = run("ihuyi_doctor")

    assert (exit_code, lines[-1]) == (0, "OK    sms account: LocmemBackend has no account to examine.")


def test_the_in_process_simulator_needs_no_connection(run, configure):
    configure(CHANNELS={"sms": {"BACKEND": "django_ihuyi.backends.simulator.SimulatorBackend"}})

    _, lines = run("ihuyi_doctor")

    assert [line[:16] for line in lines if "  sms " in line] == ["OK    sms accoun", "OK    sms balanc"]


PROXIES = {
    1: "OK    proxies: TRUSTED_PROXY_COUNT is 1: in 'X-Forwarded-For: 192.0.2.66, 198.51.100.7' "
    "the client is 198.51.100.7; addresses before it are not trusted.",
    2: "OK    proxies: TRUSTED_PROXY_COUNT is 2: in 'X-Forwarded-For: 192.0.2.66, 198.51.100.7, 203.0.113.1' "
    "the client is 198.51.100.7; addresses before it are not trusted.",
}


@pytest.mark.parametrize(("hops", "line"), PROXIES.items(), ids=map(str, PROXIES))
def test_proxies_are_explained_by_an_example(run, configure, hops, line):
    configure(TRUSTED_PROXY_COUNT=hops)

    _, lines = run("ihuyi_doctor")

    assert about("proxies", lines) == [line]


def test_an_uncounted_proxy_is_a_warning(run, settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    _, lines = run("ihuyi_doctor")

    assert about("proxies", lines)[0].startswith("WARN  proxies: TRUSTED_PROXY_COUNT is 0: ")


def test_a_trusted_header_is_explained(run, configure):
    configure(TRUSTED_CLIENT_IP_HEADER="X-Real-IP", TRUSTED_PROXIES=["10.0.0.0/8", "unix"])

    _, lines = run("ihuyi_doctor")

    assert about("proxies", lines) == [
        (
            "OK    proxies: The client is the address in X-Real-IP if the address that connects is one of: 10.0.0.0/8, "
            "unix. For all other requests it is the address that connects. The proxies must overwrite the header."
        )
    ]


def test_an_address_that_the_site_could_not_read_is_a_warning(run, configure, monkeypatch, rf):
    monkeypatch.setattr(unread_addresses, "_hour", unread_addresses._Hour())
    configure(TRUSTED_PROXY_COUNT=1)
    _, before = run("ihuyi_doctor")

    client_of(rf.get("/", HTTP_X_FORWARDED_FOR="not to be repeated"))
    exit_code, after = run("ihuyi_doctor")

    [warning] = set(after) - set(before)
    assert re.match(
        r"WARN  proxies: A process could not read a client's address from X-Forwarded-For \(20[0-9 :+-]+\)\. ", warning
    )
    assert (exit_code, "repeated" in warning, len(about("proxies", after))) == (0, False, 2)


def test_a_development_key_is_a_warning(run, settings):
    settings.SECRET_KEY = "django-insecure-" + "k" * 50

    _, lines = run("ihuyi_doctor")

    assert about("keys", lines) == [
        (
            "WARN  keys: SECRET_KEY is a development key made by startproject. "
            "Make a new key for production: codes and proofs are derived from it."
        )
    ]


LIMITED = {"CLIENT_LIMITS": {"send": ["5/m"]}}
LOCMEM, DUMMY, FILES = (
    {"BACKEND": f"django.core.cache.backends.{path}", "LOCATION": location}
    for path, location in (("locmem.LocMemCache", "x"), ("dummy.DummyCache", ""), ("filebased.FileBasedCache", "x"))
)
ADVICE = "Use Redis or memcached for CLIENT_LIMITS and GLOBAL_LIMITS."
CACHES = {
    "for each process": (LOCMEM, f"WARN  cache default: LocMemCache counts separately in each process. {ADVICE}"),
    "that stores nothing": (
        DUMMY,
        f"FAIL  cache default: DummyCache stores nothing: limits per client have no effect. {ADVICE}",
    ),
}


@pytest.mark.parametrize(("cache", "line"), CACHES.values(), ids=CACHES)
def test_a_cache_is_judged_by_its_counting(run, settings, configure, cache, line):
    settings.CACHES = {"default": cache}
    configure(**LIMITED)

    exit_code, lines = run("ihuyi_doctor")

    assert about("cache default", lines) == [line]
    assert exit_code == line.startswith("FAIL")


def test_a_cache_in_files_may_lose_counts(run, settings, configure, tmp_path):
    settings.CACHES = {"default": {**FILES, "LOCATION": str(tmp_path)}}
    configure(**LIMITED)

    _, lines = run("ihuyi_doctor")

    assert about("cache default", lines) == [
        "WARN  cache default: FileBasedCache counts for all processes, but loses simultaneous counts. " + ADVICE
    ]


def test_a_dead_cache_is_reported(run, settings, configure):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
        "dead": {"BACKEND": REDIS, "LOCATION": f"redis://:secret@127.0.0.1:{port}"},
    }
    settings.RATELIMIT_USE_CACHE = "dead"
    configure(**LIMITED)

    exit_code, lines = run("ihuyi_doctor")

    assert exit_code == 1
    assert failures(lines) == [
        (
            "FAIL  cache dead: The cache does not answer (ConnectionError). "
            "Until it does, sends are counted in the database, and guesses per client are not limited."
        )
    ]


def test_the_cache_of_this_run_is_reported(run, configure):
    """It is Redis if REDIS_URL is set."""
    configure(**LIMITED)

    _, lines = run("ihuyi_doctor")

    shared = "OK    cache default: RedisCache counts for all processes together."
    assert about("cache default", lines) == [shared if os.environ.get("REDIS_URL") else CACHES["for each process"][1]]
