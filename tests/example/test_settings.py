"""The example reads its deployment from the environment, and says what is wrong with it."""

import json
import subprocess
import sys

import pytest

from tests.example.conftest import ACCOUNT, API_KEY, ROOT, environ

KEY = "a-deployment-has-one-of-its-own-0123456789-abcdefghijkl"
DEPLOYED = {"IHUYI_ACCOUNT": ACCOUNT, "IHUYI_API_KEY": API_KEY, "SECRET_KEY": KEY}
READ = "import json; from example_project import settings as s; print(json.dumps({n: getattr(s, n) for n in %r}))"


def run(program, chosen):
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environ(**chosen), capture_output=True, text=True
    )


def read(*names, **chosen):
    finished = run(READ % (names,), chosen)
    assert not finished.returncode, finished.stderr
    return json.loads(finished.stdout).values()


def complaint_about(**chosen):
    finished = run(READ % ((),), chosen)
    assert finished.returncode
    return finished.stderr.splitlines()[-1]


def test_without_an_account_it_is_for_development_with_the_simulator_inside():
    [debug, ihuyi] = read("DEBUG", "IHUYI")

    assert debug is True
    assert ihuyi["CHANNELS"]["sms"] == {"BACKEND": "django_ihuyi.backends.simulator.SimulatorBackend"}


def test_with_an_account_it_is_a_deployment():
    [debug, hosts, ihuyi] = read("DEBUG", "ALLOWED_HOSTS", "IHUYI", **DEPLOYED, ALLOWED_HOSTS="a.example,b.example")

    assert debug is False
    assert hosts == ["a.example", "b.example"]
    assert ihuyi == {
        "CHANNELS": {
            "sms": {
                "BACKEND": "django_ihuyi.backends.ihuyi.IhuyiBackend",
                "OPTIONS": {"account": ACCOUNT, "api_key": API_KEY},
            },
        },
        "ALLOW_LOOPBACK": False,
    }


def test_the_platforms_address_and_plain_http_on_this_machine_are_choices():
    chosen = {"IHUYI_URL": "http://127.0.0.1:9/webservice/sms.php", "IHUYI_ALLOW_LOOPBACK": "1"}
    [ihuyi] = read("IHUYI", **DEPLOYED, **chosen)

    assert ihuyi["CHANNELS"]["sms"]["OPTIONS"]["url"] == chosen["IHUYI_URL"]
    assert ihuyi["ALLOW_LOOPBACK"] is True


def test_limits_of_clients_go_off_together():
    [ihuyi] = read("IHUYI", IHUYI_CLIENT_LIMITS="off")

    assert (ihuyi["CLIENT_LIMITS"], ihuyi["GLOBAL_LIMITS"]) == ({}, {})


def test_connections_are_kept_in_a_deployment_only():
    [development] = read("DATABASES")
    [deployment] = read("DATABASES", **DEPLOYED)

    assert development["default"]["CONN_MAX_AGE"] == 0
    assert deployment["default"]["CONN_MAX_AGE"] == 600
    assert deployment["default"]["CONN_HEALTH_CHECKS"] is True


def test_redis_is_the_cache_when_its_address_is_given():
    [caches] = read("CACHES", REDIS_URL="redis://127.0.0.1:6379/3")

    assert caches["default"]["LOCATION"] == "redis://127.0.0.1:6379/3"


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"IHUYI_ACCOUNT": ACCOUNT}, "IHUYI_ACCOUNT and IHUYI_API_KEY belong together"),
        ({"IHUYI_API_KEY": API_KEY}, "IHUYI_ACCOUNT and IHUYI_API_KEY belong together"),
        ({"IHUYI_ACCOUNT": ACCOUNT, "IHUYI_API_KEY": API_KEY}, "SECRET_KEY is needed when DEBUG is off"),
        ({"DEBUG": "0"}, "SECRET_KEY is needed when DEBUG is off"),
        ({"DEBUG": "perhaps"}, "DEBUG is on or off (1 or 0), not 'perhaps'"),
        ({"IHUYI_CAPTCHA": "image"}, "IHUYI_CAPTCHA may be off in this version, not 'image'"),
        ({"IHUYI_DISPATCHER": "celery"}, "IHUYI_DISPATCHER may be inline in this version, not 'celery'"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_cannot_work_is_refused_with_a_reason(chosen, words):
    assert words in complaint_about(**chosen)


def test_a_secret_that_is_not_used_yet_is_told_of_and_does_not_stop_the_site():
    finished = run(READ % ((),), {**DEPLOYED, "IHUYI_WEBHOOK_SECRET": "x" * 43})

    assert finished.returncode == 0
    assert "this version takes no receipts and replies yet" in finished.stderr
