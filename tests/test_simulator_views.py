"""The simulator's pages, mounted in a Django site."""

import pytest

from django_ihuyi import verification
from django_ihuyi.backends.simulator import get_app

pytestmark = [pytest.mark.django_db, pytest.mark.urls("example_project.urls")]

SIMULATOR = {"sms": {"BACKEND": "django_ihuyi.backends.simulator.SimulatorBackend"}}


@pytest.fixture(autouse=True)
def _own_simulator(settings):
    settings.DEBUG = True
    settings.IHUYI = {"CHANNELS": SIMULATOR}
    get_app.cache_clear()
    yield
    get_app.cache_clear()


def test_the_pages_show_what_arrived_at_a_phone(client):
    verification.send_code("13800138000", purpose="login")

    [message] = client.get("/_simulator/messages", {"mobile": "13800138000"}).json()

    assert message["content"] == f"您的验证码是：{message['code']}。请不要把验证码泄露给其他人。"


def test_switches_take_a_body(client):
    verification.send_code("13800138000", purpose="login")

    answer = client.post("/_simulator/reset", b"{}", content_type="application/json")

    assert answer.status_code == 200
    assert client.get("/_simulator/messages").json() == []


def test_the_first_page_finds_its_stylesheet(client):
    assert 'href="static/phones.css"' in client.get("/_simulator/").content.decode()
    assert client.get("/_simulator/static/phones.css")["Content-Type"].startswith("text/css")


def test_there_are_no_pages_in_production(client, settings):
    settings.DEBUG = False

    assert client.get("/_simulator/").status_code == 404


def test_a_setting_opens_the_pages_in_production(client, settings):
    settings.DEBUG = False
    settings.IHUYI = {"CHANNELS": SIMULATOR, "SIMULATOR_IN_PRODUCTION": True}

    assert client.get("/_simulator/").status_code == 200


def test_there_are_no_pages_where_nothing_is_simulated(client, settings):
    settings.IHUYI = {"CHANNELS": {"sms": {"BACKEND": "django_ihuyi.backends.locmem.LocmemBackend"}}}

    assert client.get("/_simulator/").status_code == 404


@pytest.mark.parametrize("stranger", [{"REMOTE_ADDR": "203.0.113.9"}, {"HTTP_X_FORWARDED_FOR": "203.0.113.9"}])
def test_strangers_find_no_pages(client, stranger):
    assert client.get("/_simulator/", **stranger).status_code == 404
