"""The example reads its deployment from the environment, and says what is wrong with it."""

import json
import subprocess
import sys

import pytest

from tests.example.conftest import ACCOUNT, API_KEY, ROOT, environ

KEY = "a-deployment-has-one-of-its-own-0123456789-abcdefghijkl"
DEPLOYED = {"IHUYI_ACCOUNT": ACCOUNT, "IHUYI_API_KEY": API_KEY, "SECRET_KEY": KEY}
BUDGETS = "django_ihuyi.guards.budgets.BudgetGuard"
GUARD = "django_ihuyi.guards.captcha.CaptchaGuard"
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
        "GUARDS": [BUDGETS, GUARD],
        "CAPTCHA": {"BACKEND": "image", "RULES": {"*": {"after_client": 3, "after_number": 1}}},
        "ALLOW_LOOPBACK": False,
        "DISPATCHER": "inline",
        "DISPATCH_FALLBACK": "inline",
        "PLATFORM_CONCURRENCY": 2,
        "TRUSTED_PROXY_COUNT": 0,
        "WEBHOOK_SECRETS": [],
    }


def test_the_platforms_address_and_plain_http_on_this_machine_are_choices():
    chosen = {"IHUYI_URL": "http://127.0.0.1:9/webservice/sms.php", "IHUYI_ALLOW_LOOPBACK": "1"}
    [ihuyi] = read("IHUYI", **DEPLOYED, **chosen)

    assert ihuyi["CHANNELS"]["sms"]["OPTIONS"]["url"] == chosen["IHUYI_URL"]
    assert ihuyi["ALLOW_LOOPBACK"] is True


def test_limits_of_clients_go_off_together():
    [ihuyi] = read("IHUYI", IHUYI_CLIENT_LIMITS="off")

    assert (ihuyi["CLIENT_LIMITS"], ihuyi["GLOBAL_LIMITS"], ihuyi["GUARDS"]) == ({}, {}, [])


def test_how_many_calls_a_process_makes_at_once_is_a_choice():
    [ihuyi] = read("IHUYI", IHUYI_PLATFORM_CONCURRENCY="8")

    assert ihuyi["PLATFORM_CONCURRENCY"] == 8


def test_how_many_proxies_are_trusted_is_a_choice():
    [ihuyi] = read("IHUYI", TRUSTED_PROXY_COUNT="2")

    assert ihuyi["TRUSTED_PROXY_COUNT"] == 2


def test_captchas_are_a_choice():
    [off] = read("IHUYI", IHUYI_CAPTCHA="off")
    [work] = read("IHUYI", IHUYI_CAPTCHA="proof_of_work")
    [puzzle] = read("IHUYI", IHUYI_CAPTCHA="geetest", IHUYI_GEETEST_ID="i", IHUYI_GEETEST_KEY="k")

    assert (off["GUARDS"], off["CAPTCHA"]) == ([BUDGETS], {})
    assert (work["GUARDS"], work["CAPTCHA"]["BACKEND"]) == ([BUDGETS, GUARD], "proof_of_work")
    assert (puzzle["GUARDS"], puzzle["CAPTCHA"]["OPTIONS"]) == (
        [BUDGETS, GUARD],
        {"captcha_id": "i", "captcha_key": "k"},
    )


def test_without_the_package_that_draws_pictures_there_is_no_captcha_unless_one_is_chosen():
    hidden = (
        "import importlib.util as u; find = u.find_spec; u.find_spec = lambda n: None if n == 'captcha' else find(n); "
    )
    finished = run(hidden + READ % (("IHUYI", "INSTALLED_APPS"),), {})

    ihuyi, apps = json.loads(finished.stdout).values()
    assert (ihuyi["GUARDS"], "captcha" in apps) == ([BUDGETS], False)


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
        ({"DEBUG": "perhaps"}, "DEBUG is 'perhaps': set it to on or off (1 or 0)."),
        (
            {"IHUYI_CAPTCHA": "turnstile"},
            "IHUYI_CAPTCHA is 'turnstile': set it to image or off or geetest or proof_of_work.",
        ),
        ({"IHUYI_CAPTCHA": "geetest", "IHUYI_GEETEST_ID": "i"}, "IHUYI_GEETEST_ID and IHUYI_GEETEST_KEY are needed"),
        ({"IHUYI_PLATFORM_CONCURRENCY": "half"}, "IHUYI_PLATFORM_CONCURRENCY is 'half': set it to a whole number."),
        ({"TRUSTED_PROXY_COUNT": "one"}, "TRUSTED_PROXY_COUNT is 'one': set it to a whole number."),
        ({"TRUSTED_PROXY_COUNT": "-1"}, "TRUSTED_PROXY_COUNT is '-1': set it to a whole number."),
        ({"IHUYI_DISPATCHER": "rq"}, "IHUYI_DISPATCHER is 'rq': set it to inline or tasks or celery."),
        ({**DEPLOYED, "IHUYI_DISPATCHER": "celery"}, "IHUYI_DISPATCHER is celery, whose queue is in REDIS_URL"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_cannot_work_is_refused_with_a_reason(chosen, words):
    assert words in complaint_about(**chosen)


def test_a_queue_in_the_database_is_an_app_of_its_own():
    [apps, tasks, ihuyi] = read("INSTALLED_APPS", "TASKS", "IHUYI", **DEPLOYED, IHUYI_DISPATCHER="tasks")

    assert "django_tasks_db" in apps
    assert tasks == {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
    assert ihuyi["DISPATCHER"] == "tasks"


def test_a_queue_in_redis_is_at_its_address():
    chosen = {"IHUYI_DISPATCHER": "celery", "REDIS_URL": "redis://127.0.0.1:6379/3"}
    [broker, ihuyi] = read("CELERY_BROKER_URL", "IHUYI", **DEPLOYED, **chosen, IHUYI_DISPATCH_FALLBACK="refuse")

    assert broker == chosen["REDIS_URL"]
    assert (ihuyi["DISPATCHER"], ihuyi["DISPATCH_FALLBACK"]) == ("celery", "refuse")


def test_without_a_queue_no_package_of_one_is_needed():
    program = "import sys; from example_project import settings; print('celery' in sys.modules)"
    finished = run(program, {})

    assert finished.stdout == "False\n"


def test_a_simulator_that_the_workers_do_not_share_is_told_of():
    finished = run(READ % ((),), {"IHUYI_DISPATCHER": "tasks"})

    assert finished.returncode == 0
    assert "run one simulator for all processes" in finished.stderr


@pytest.mark.parametrize(
    ("chosen", "secrets"), [("", []), ("one", ["one"]), ("one,other", ["one", "other"]), ("one,", ["one"])]
)
def test_secrets_of_webhooks_are_divided_by_commas(chosen, secrets):
    [ihuyi] = read("IHUYI", **DEPLOYED, IHUYI_WEBHOOK_SECRET=chosen)

    assert ihuyi["WEBHOOK_SECRETS"] == secrets


@pytest.mark.parametrize(("chosen", "routes"), [("", 0), ("one", 1)])
def test_webhooks_are_there_when_there_is_a_secret(chosen, routes):
    program = (
        "import django; django.setup(); from example_project.urls import urlpatterns; "
        "print([str(route.pattern) for route in urlpatterns].count('webhooks/'))"
    )
    finished = run(program, {"IHUYI_WEBHOOK_SECRET": chosen, "DJANGO_SETTINGS_MODULE": "example_project.settings"})

    assert finished.stdout.strip() == str(routes), finished.stderr
