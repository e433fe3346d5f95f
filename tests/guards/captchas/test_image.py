"""django-simple-captcha as the captcha: its real picture, its real store."""

import base64
import io
from datetime import timedelta

import pytest
from captcha.conf import settings as captcha_settings
from captcha.models import CaptchaStore
from captcha.views import captcha_image
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from PIL import Image

from django_ihuyi.exceptions import CaptchaFailed, CaptchaRequired
from django_ihuyi.guards.captchas import get_captcha
from django_ihuyi.guards.captchas.drawing import LETTERS
from django_ihuyi.guards.captchas.image import OWN_LOOK, ImageCaptcha
from tests.support.riddle_captcha import GUARD
from tests.support.use_cases import send

pytestmark = pytest.mark.django_db

CLIENT = "192.0.2.7"


class WithoutRestApi:
    """The routes of a site that asks for captchas in its own views."""

    urlpatterns = []


@pytest.fixture
def shown(configure, outbox):
    """Show a picture; return what a client gets."""

    def show():
        with pytest.raises(CaptchaRequired) as refusal:
            send(client=CLIENT)
        return refusal.value.challenge

    configure(GUARDS=[GUARD], CAPTCHA={"BACKEND": "image"})
    return show


def key_of(challenge):
    return challenge["challenge_id"].split(".")[1]


def answer(challenge, change=str):
    """What a person reads in the picture."""
    stored = CaptchaStore.objects.get(hashkey=key_of(challenge))
    return {"challenge_id": challenge["challenge_id"], "text": change(stored.challenge)}


def test_the_picture_is_one(shown):
    challenge = shown()

    head, _, data = challenge["image"].partition(",")
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    assert head == "data:image/png;base64"
    assert picture.format == "PNG"
    assert picture.width > picture.height > 30
    assert set(challenge) == {"kind", "challenge_id", "expires_in", "image", "image_url"}
    assert challenge["kind"] == "image"


def test_the_picture_has_an_address_in_our_api(shown):
    challenge = shown()

    assert challenge["image_url"] == f"/api/phone/captcha/image/{key_of(challenge)}/"


def test_a_recording_has_an_address_if_the_site_can_speak(shown, monkeypatch):
    monkeypatch.setattr(captcha_settings, "CAPTCHA_FLITE_PATH", "/usr/bin/flite")

    challenge = shown()

    assert challenge["audio_url"] == f"/api/phone/captcha/audio/{key_of(challenge)}/"


@override_settings(ROOT_URLCONF=WithoutRestApi)
def test_a_picture_has_no_address_without_the_rest_api(shown):
    assert set(shown()) == {"kind", "challenge_id", "expires_in", "image"}


def test_the_letters_are_those_that_people_do_not_confuse(shown):
    texts = [CaptchaStore.objects.get(hashkey=key_of(shown())).challenge for _ in range(20)]

    assert {len(text) for text in texts} == {4}
    assert set("".join(texts)) <= set(LETTERS)
    assert not set(LETTERS) & set("0O1IJQ5B8CVYKP")


def test_a_site_chooses_the_length(shown, monkeypatch):
    monkeypatch.setattr(captcha_settings, "CAPTCHA_LENGTH", 6)

    assert len(CaptchaStore.objects.get(hashkey=key_of(shown())).challenge) == 6


def test_a_stranger_cannot_draw_a_picture_again(shown, settings):
    """Its key is public, so that a picture made of the key alone could be compared with all texts."""
    challenge = shown()
    stored = CaptchaStore.objects.get(hashkey=key_of(challenge))
    settings.SECRET_KEY = "a-new-secret-key-of-more-than-32-bytes"

    again = ImageCaptcha().get_file("image", challenge_id=stored.hashkey)

    assert base64.b64encode(again.content).decode() != challenge["image"].partition(",")[2]


@pytest.mark.parametrize("name", OWN_LOOK)
def test_a_site_with_a_look_of_its_own_gets_the_packages_picture(shown, settings, monkeypatch, name):
    monkeypatch.setattr(captcha_settings, "CAPTCHA_CHALLENGE_FUNCT", "captcha.helpers.math_challenge")
    setattr(settings, name, None)

    challenge = shown()

    key = key_of(challenge)
    assert CaptchaStore.objects.get(hashkey=key).challenge.endswith("=")
    assert challenge["image"].partition(",")[2] == base64.b64encode(captcha_image(None, key, scale=2).content).decode()


@pytest.mark.parametrize(("paper", "corner"), [("#102030", (16, 32, 48, 255)), ("transparent", (0, 0, 0, 0))])
def test_a_site_chooses_the_colours(shown, monkeypatch, paper, corner):
    monkeypatch.setattr(captcha_settings, "CAPTCHA_BACKGROUND_COLOR", paper)

    data = shown()["image"].partition(",")[2]

    assert Image.open(io.BytesIO(base64.b64decode(data))).getpixel((0, 0)) == corner


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
