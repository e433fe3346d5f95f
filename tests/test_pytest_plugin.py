"""The fixtures for hosts work where pytest finds them by itself: in projects that know nothing of this one."""

import pytest

from tests.support.docs_pages import ROOT, blocks

pytest_plugins = ["pytester"]

SETTINGS = """
SECRET_KEY = "a-key-of-a-project-that-knows-nothing-of-ours-0123456789"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "rest_framework", "django_ihuyi"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True
ROOT_URLCONF = "project_urls"
IHUYI = {"CHANNELS": {"sms": {"BACKEND": "django_ihuyi.backends.console.ConsoleBackend"}}}
"""
URLS = """
from django.urls import include, path

urlpatterns = [path("api/phone/", include("django_ihuyi.urls"))]
"""


@pytest.fixture
def project(pytester, monkeypatch):
    """A Django project with one file of tests."""
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "project_settings")
    pytester.makepyfile(project_settings=SETTINGS)
    pytester.makeini("[pytest]\npythonpath = .\ndjango_find_project = false\n")
    return pytester


@pytest.fixture
def library(pytester, monkeypatch):
    """A project without Django."""
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    return pytester


def passed(project, source, **outcomes):
    project.makepyfile(test_it=source)
    result = project.runpytest_subprocess("-q", "-p", "no:randomly", "-p", "no:cacheprovider")
    result.assert_outcomes(**outcomes)
    return result


def test_the_outbox_takes_every_channels_messages_and_is_empty_at_the_start(project):
    source = """
        import pytest
        from django_ihuyi import verification
        from django_ihuyi.backends import get_backend

        pytestmark = pytest.mark.django_db

        @pytest.mark.parametrize("again", [1, 2])
        def test_a_code_is_in_the_outbox(ihuyi_outbox, again):
            issued = verification.send_code("13800138000", purpose="login")
            assert [sent.phone for sent in ihuyi_outbox] == ["+8613800138000"]
            assert verification.verify_code(issued.verification_id, ihuyi_outbox[0].code).proof

        @pytest.mark.parametrize("channel", ["sms", "voice", "international", "marketing"])
        def test_a_channel_is_replaced(ihuyi_outbox, channel):
            assert type(get_backend(channel)).__name__ == "LocmemBackend"

        def test_without_the_fixture_the_settings_hold():
            assert type(get_backend("sms")).__name__ == "ConsoleBackend"
    """
    passed(project, source, passed=7)


def test_the_tests_that_the_guide_proposes_pass(project):
    [(_, source)] = blocks(ROOT / "docs/howto/test_your_project.md", "py")
    project.makepyfile(project_urls=URLS)

    passed(project, source, passed=2)


def test_the_simulator_is_met_by_every_channel_and_is_empty_at_the_start(project):
    source = """
        import pytest
        from django_ihuyi import verification
        from django_ihuyi.backends import get_backend

        @pytest.mark.django_db
        @pytest.mark.parametrize("again", [1, 2])
        def test_a_code_is_on_the_phone(ihuyi_simulator, again):
            issued = verification.send_code("13800138000", purpose="login")
            assert len(ihuyi_simulator.messages("+8613800138000")) == 1
            code = ihuyi_simulator.latest_code(issued.phone)
            assert verification.verify_code(issued.verification_id, code).proof

        @pytest.mark.parametrize("channel", ["sms", "voice", "international", "marketing"])
        def test_a_channel_is_replaced(ihuyi_simulator, channel):
            assert get_backend(channel).get_balance().units == 10_000_000

        def test_without_the_fixture_the_settings_hold():
            assert type(get_backend("sms")).__name__ == "ConsoleBackend"
    """
    passed(project, source, passed=7)


def test_without_django_settings_the_simulator_is_one_of_its_own_that_can_be_served(library):
    source = """
        import sys
        from urllib.request import urlopen

        FORM = (
            "account=C00000001&password=0123456789abcdef0123456789abcdef&mobile=13800138000&templateid=1&content=4821"
        )

        def test_it_is_served(ihuyi_simulator, ihuyi_simulator_url):
            with urlopen(f"{ihuyi_simulator_url}/webservice/sms.php?method=Submit", FORM.encode()) as answer:
                assert b"<code>2</code>" in answer.read()
            assert ihuyi_simulator.latest_code("13800138000") == "4821"

        def test_it_is_empty_at_the_start(ihuyi_simulator):
            assert ihuyi_simulator.messages() == []
    """
    passed(library, source, passed=2)


def test_without_django_settings_the_outbox_says_what_is_missing(library):
    result = passed(library, "def test_it(ihuyi_outbox): pass", errors=1)

    result.stdout.fnmatch_lines(["*ihuyi_outbox needs Django settings: set DJANGO_SETTINGS_MODULE.*"])


def test_nothing_of_ours_is_imported_before_a_test_asks_for_it(library):
    source = """
        import sys

        def test_it():
            ours = {name for name in sys.modules if name.startswith("django_ihuyi")}
            assert ours == {"django_ihuyi", "django_ihuyi.pytest_plugin"}
    """
    passed(library, source, passed=1)
