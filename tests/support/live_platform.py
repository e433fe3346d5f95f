"""A site and its platform: the simulator, served over real HTTP on loopback."""

import io

import pytest
from django.core.management import call_command

from django_ihuyi.simulator import Account, Simulator
from django_ihuyi.simulator.server import serving

REDIS = "django.core.cache.backends.redis.RedisCache"
IHUYI = "django_ihuyi.backends.ihuyi.IhuyiBackend"
#: Not the example values of the platform's documentation, which the checks report.
OPTIONS = {"account": "C83915027", "api_key": "9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d", "connect_timeout": 1.0}
ACCOUNT = Account(account=OPTIONS["account"], api_key=OPTIONS["api_key"])
#: The checks warn a site without guards.
GUARDS = {
    "GUARDS": ["django_ihuyi.guards.budgets.BudgetGuard", "django_ihuyi.guards.captcha.CaptchaGuard"],
    "CAPTCHA": {"BACKEND": "image", "RULES": {"*": "never"}},
}
PATH = "/webservice/sms.php"


@pytest.fixture
def site(settings, configure):
    """Point the channel `sms` to a URL, as in `site(url, api_key="wrong")`."""

    def reach(url, **options):
        settings.SECRET_KEY = "k" * 50
        channel = {"BACKEND": IHUYI, "OPTIONS": {**OPTIONS, "url": url, **options}}
        configure(CHANNELS={"sms": channel}, ALLOW_LOOPBACK=True, CLIENT_LIMITS={}, GLOBAL_LIMITS={}, **GUARDS)

    return reach


@pytest.fixture
def platform(site):
    """Serve a simulator with an account, point the site to it, and return the simulator."""
    servers = []

    def serve(*, account=ACCOUNT, options=None, **about):
        simulator = Simulator(accounts=[account], **about)
        server = serving(simulator)
        servers.append(server)
        site(f"{server.__enter__().url}{PATH}", **options or {})
        return simulator

    yield serve
    for server in servers:
        server.__exit__(None, None, None)


@pytest.fixture
def run():
    """Run a management command; return its exit code and the lines that it printed."""

    def run(*words):
        printed = io.StringIO()
        try:
            call_command(*words, stdout=printed)
        except SystemExit as end:
            return end.code, printed.getvalue().splitlines()
        return 0, printed.getvalue().splitlines()

    return run


def submits(simulator):
    """Return the journal's Submit requests, accepted or not."""
    return [entry for entry in simulator.journal() if entry.action == "Submit"]
