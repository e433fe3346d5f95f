"""The one table of the bare view."""

from django.db import models


class Sent(models.Model):
    """A code that was sent; kept as it is, guarded by nothing."""

    phone = models.CharField(max_length=16)
    code = models.CharField(max_length=8)
    used = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return f"{self.pk}"
