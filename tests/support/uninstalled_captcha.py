"""A captcha whose models belong to an app that is not installed."""

from django.db import models

from django_ihuyi.guards.captchas import Captcha


class Riddle(models.Model):
    """A model without an app, so that importing this module fails."""

    def __str__(self):
        return "never"


class HomelessCaptcha(Captcha):
    """Never reached."""
