"""django-simple-captcha as the captcha: its real picture, its real store."""

import base64
import io
from datetime import timedelta

import pytest
from captcha.conf import settings as captcha_settings
from captcha.models import CaptchaStore
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from django.urls import include, path
from PIL import Image

from django_ihuyi.exceptions import CaptchaFailed, CaptchaRequired
from django_ihuyi.guards.captchas import get_captcha
from tests import urls
from tests.support.riddle_captcha import GUARD
from tests.support.use_cases import send

pytestmark = pytest.mark.django_db

CLIENT = "192.0.2.7"


class WithPictures:
    """The routes of a site that includes the package's own."""

    urlpatterns = [*urls.urlpatterns, path("captcha/", include("captcha.urls"))]


@pytest.fixture
def shown(configure, outbox):
    """Show a picture; return what a client gets."""

    def show():
        with pytest.raises(CaptchaRequired) as refusal:
            send(client=CLIENT)
        return refusal.value.challenge

    configure(GUARDS=[GUARD], CAPTCHA={"BACKEND": "image"})
    return show


def answer(challenge, change=str):
    """What a person reads in the picture."""
    stored = CaptchaStore.objects.get(hashkey=challenge["challenge_id"].split(".")[1])
    return {"challenge_id": challenge["challenge_id"], "text": change(stored.challenge)}


def test_the_picture_is_one(shown):
    challenge = shown()

    head, _, data = challenge["image"].partition(",")
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    assert head == "data:image/png;base64"
    assert picture.format == "PNG"
    assert picture.width > picture.height > 30
    assert set(challenge) == {"kind", "challenge_id", "expires_in", "image"}
    assert challenge["kind"] == "image"


@override_settings(ROOT_URLCONF=WithPictures)
def test_where_the_packages_urls_are_included_it_has_an_address_too(shown, client):
    challenge = shown()

    fetched = client.get(challenge["image_url"])
    assert fetched["Content-Type"] == "image/png"
    assert base64.b64encode(fetched.content).decode() == challenge["image"].partition(",")[2]


@override_settings(ROOT_URLCONF=WithPictures)
def test_it_can_be_heard_where_the_site_can_speak(shown, monkeypatch):
    monkeypatch.setattr(captcha_settings, "CAPTCHA_FLITE_PATH", "/usr/bin/flite")
    monkeypatch.setattr(captcha_settings, "CAPTCHA_2X_IMAGE", False)

    challenge = shown()

    key = challenge["challenge_id"].split(".")[1]
    assert challenge["audio_url"] == f"/captcha/audio/{key}.wav"
    assert challenge["image_url"] == f"/captcha/image/{key}/"


@pytest.mark.parametrize("change", [str, str.lower, lambda text: f" {text} "], ids=["as shown", "small", "blanks"])
def test_the_right_text_brings_a_code(shown, outbox, change):
    send(client=CLIENT, captcha=answer(shown(), change))

    assert len(outbox) == 1
    assert CaptchaStore.objects.count() == 0


@pytest.mark.parametrize("change", [lambda text: "", lambda text: text[:-1], lambda text: text[::-1] + "!"])
def test_a_wrong_text_brings_a_new_picture(shown, outbox, change):
    challenge = shown()
    wrong = answer(challenge, change)

    with pytest.raises(CaptchaFailed) as refusal:
        send(client=CLIENT, captcha=wrong)

    assert outbox == []
    assert refusal.value.challenge["image"] != challenge["image"]
    send(client=CLIENT, captcha=answer(refusal.value.challenge))


@pytest.mark.parametrize("text", ["\x00", "\ud800", "é" * 4000])
def test_no_text_is_too_strange_to_be_wrong(shown, text):
    challenge = shown()

    with pytest.raises(CaptchaFailed):
        send(client=CLIENT, captcha={"challenge_id": challenge["challenge_id"], "text": text})


def test_a_picture_dies_when_the_package_says_so(shown):
    right = answer(shown())
    for stored in CaptchaStore.objects.all():
        stored.expiration -= timedelta(minutes=10)
        stored.save()

    with pytest.raises(CaptchaFailed):
        send(client=CLIENT, captcha=right)


def test_a_picture_that_was_cleaned_away_is_wrong(shown):
    right = answer(shown())
    CaptchaStore.objects.all().delete()

    with pytest.raises(CaptchaFailed):
        send(client=CLIENT, captcha=right)


@pytest.mark.parametrize(
    "captcha",
    [
        {},
        {"BACKEND": "picture"},
        {"BACKEND": "image", "OPTIONS": {"colour": "red"}},
        {"BACKEND": "pathlib.Path"},
        {"BACKEND": "geetest", "OPTIONS": {"captcha_id": "", "captcha_key": ""}},
    ],
)
def test_a_captcha_that_cannot_be_made_is_misconfiguration(configure, captcha):
    configure(GUARDS=[GUARD], CAPTCHA=captcha)

    with pytest.raises(ImproperlyConfigured, match="CAPTCHA"):
        get_captcha()
