"""Refusals speak the caller's language."""

import pytest
from django.conf import settings as django_settings

pytestmark = pytest.mark.django_db

WITHOUT_LOCALE = [name for name in django_settings.MIDDLEWARE if not name.endswith("LocaleMiddleware")]


@pytest.fixture(params=["host with LocaleMiddleware", "host without"])
def _host(request, settings):
    if request.param == "host without":
        settings.MIDDLEWARE = WITHOUT_LOCALE


@pytest.mark.parametrize(
    ("accepted", "spoken", "detail", "field"),
    [
        ("zh-CN", "zh-hans", "部分参数缺失或有误。", "请输入正确的手机号。"),
        ("zh-Hans", "zh-hans", "部分参数缺失或有误。", "请输入正确的手机号。"),
        ("zh-Hans-CN;q=0.9, en;q=0.1", "zh-hans", "部分参数缺失或有误。", "请输入正确的手机号。"),
        ("zh", "zh-hans", "部分参数缺失或有误。", "请输入正确的手机号。"),
        ("en-GB", "en-gb", "Some fields are missing or wrong.", "Enter a mobile number."),
        ("xx", "en", "Some fields are missing or wrong.", "Enter a mobile number."),
        (None, "en", "Some fields are missing or wrong.", "Enter a mobile number."),
    ],
)
@pytest.mark.usefixtures("_host")
def test_the_accepted_language_is_spoken(api, accepted, spoken, detail, field):
    headers = {"HTTP_ACCEPT_LANGUAGE": accepted} if accepted else {}

    refused = api.send("1", **headers)

    assert (refused["Content-Language"], refused.json()["detail"]) == (spoken, detail)
    assert refused.json()["errors"] == [{"field": "phone", "code": "invalid", "detail": field}]
    assert "Accept-Language" in refused["Vary"]


@pytest.mark.usefixtures("_host")
def test_without_accept_language_the_site_s_language_is_used(api, settings):
    settings.LANGUAGE_CODE = "zh-hans"

    assert api.send("1").json()["title"] == "请求无效"
    assert api.send("1", HTTP_ACCEPT_LANGUAGE="en").json()["title"] == "Bad request"


def test_a_language_is_spoken_for_one_request_only(api, settings):
    settings.MIDDLEWARE = WITHOUT_LOCALE

    api.send("1", HTTP_ACCEPT_LANGUAGE="zh-CN")

    assert api.send("1").json()["title"] == "Bad request"
