"""Pictures with letters by django-simple-captcha, drawn and stored by the site itself."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from captcha.conf import settings as captcha_settings
from captcha.models import CaptchaStore
from captcha.views import captcha_image
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from django_ihuyi.guards.captchas import Captcha, Challenge


class ImageCaptcha(Captcha):
    """Show a picture. The client sends back its `text`. The CAPTCHA_… settings of the package configure the picture."""

    kind = "image"

    def challenge(self, *, purpose: str, client: str) -> Challenge:  # noqa: ARG002 - the guard binds it
        """Return a picture as a data: URI, with its address if the package's urls are included."""
        key: str = CaptchaStore.generate_key()
        drawn = captcha_image(None, key, scale=self._scale)
        encoded = base64.b64encode(drawn.content).decode()
        return Challenge(id=key, shown={"image": f"data:{drawn['Content-Type']};base64,{encoded}", **self._urls(key)})

    def verify(self, answer: Mapping[str, str], *, challenge_id: str, client: str) -> bool:  # noqa: ARG002
        """Return True if the text is right, in upper or lower case; delete the picture."""
        stored = CaptchaStore.objects.filter(hashkey=challenge_id).first()
        if stored is None:
            return False
        stored.delete()
        text = answer.get("text", "").strip().lower()
        return bool(stored.expiration > timezone.now() and text == stored.response)

    @property
    def _scale(self) -> int:
        return 2 if captcha_settings.CAPTCHA_2X_IMAGE else 1

    def _urls(self, key: str) -> dict[str, str]:
        try:
            urls = {"image_url": reverse("captcha-image-2x" if self._scale == 2 else "captcha-image", args=[key])}
            if captcha_settings.CAPTCHA_FLITE_PATH:
                urls["audio_url"] = reverse("captcha-audio", args=[key])
        except NoReverseMatch:
            return {}
        return urls
