"""Pictures with letters, drawn and stored by the site itself: django-simple-captcha keeps what they show."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping

from captcha.conf import settings as captcha_settings
from captcha.models import CaptchaStore
from captcha.views import captcha_audio, captcha_image
from django.conf import settings as django_settings
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from django_ihuyi.guards.captchas import Captcha, Challenge
from django_ihuyi.guards.captchas.drawing import choose_letters, draw
from django_ihuyi.keys import live_keys

#: A site that has one of these in its settings wants a look of its own: then the package chooses the text and draws.
OWN_LOOK = tuple(
    f"CAPTCHA_{name}"
    for name in (
        "ANIMATED",
        "CHALLENGE_FUNCT",
        "FILTER_FUNCTIONS",
        "FONT_PATH",
        "IMAGE_SIZE",
        "LETTER_COLOR_FUNCT",
        "LETTER_ROTATION",
        "NOISE_FUNCTIONS",
    )
)

_LABEL = b"django_ihuyi.captcha.image.1"


class ImageCaptcha(Captcha):
    """Show a picture. The client sends back its `text`. The CAPTCHA_… settings of the package configure the picture."""

    kind = "image"

    def challenge(self, *, purpose: str, client: str) -> Challenge:  # noqa: ARG002 - the guard binds it
        """Return a picture as a data: URI, with its address, and that of a recording if the site can speak."""
        key: str = CaptchaStore.generate_key(None if _has_own_look() else _choose_text)
        drawn = _draw(CaptchaStore.objects.get(hashkey=key))
        encoded = base64.b64encode(drawn.content).decode()
        return Challenge(id=key, shown={"image": f"data:{drawn['Content-Type']};base64,{encoded}", **_urls(key)})

    def verify(self, answer: Mapping[str, str], *, challenge_id: str, client: str) -> bool:  # noqa: ARG002
        """Return True if the text is right, in upper or lower case; delete the picture."""
        stored = CaptchaStore.objects.filter(hashkey=challenge_id).first()
        if stored is None:
            return False
        stored.delete()
        text = answer.get("text", "").strip().lower()
        return bool(stored.expiration > timezone.now() and text == stored.response)

    def get_file(self, file: str, *, challenge_id: str) -> HttpResponse | None:
        """Return the picture, the same at each request, or the recording."""
        stored = CaptchaStore.objects.filter(hashkey=challenge_id, expiration__gt=timezone.now()).first()
        if stored and file == "image":
            return _draw(stored)
        if stored and file == "audio" and captcha_settings.CAPTCHA_FLITE_PATH:
            return _speak(challenge_id)
        return None


def _has_own_look() -> bool:
    return any(hasattr(django_settings, name) for name in OWN_LOOK)


def _choose_text() -> tuple[str, str]:
    text = choose_letters(captcha_settings.CAPTCHA_LENGTH)
    return text, text


def _draw(stored: CaptchaStore) -> HttpResponse:
    scale = 2 if captcha_settings.CAPTCHA_2X_IMAGE else 1
    if _has_own_look():
        drawn: HttpResponse = captcha_image(None, stored.hashkey, scale=scale)
        return drawn
    picture = draw(
        stored.challenge,
        # The key is not secret: from it alone a stranger could draw each letter for comparison.
        seed=hmac.digest(live_keys(_LABEL)[0], stored.hashkey.encode(), "sha256"),
        font=captcha_settings.CAPTCHA_FONT_PATH,
        size=captcha_settings.CAPTCHA_FONT_SIZE * scale,
        ink=captcha_settings.CAPTCHA_FOREGROUND_COLOR,
        paper=captcha_settings.CAPTCHA_BACKGROUND_COLOR,
    )
    return HttpResponse(picture, content_type="image/png")


def _speak(key: str) -> HttpResponse | None:
    # Without the caller's request, so that no Range header is read: the package fails at a malformed one.
    spoken = captcha_audio(HttpRequest(), key)
    if spoken.status_code != 200:  # solved just now
        return None
    with spoken.ranged_file.f as file:
        file.seek(0)
        return HttpResponse(file.read(), content_type=spoken["Content-Type"])


def _urls(key: str) -> dict[str, str]:
    files = ["image", "audio"] if captcha_settings.CAPTCHA_FLITE_PATH else ["image"]
    try:
        return {f"{file}_url": reverse("ihuyi:captcha-file", args=[file, key]) for file in files}
    except NoReverseMatch:  # a site without the REST API
        return {}
