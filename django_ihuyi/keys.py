"""Keys for our HMACs: each use derives its own from SECRET_KEY, under a label of its own."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.utils.encoding import force_bytes
from django.views.decorators.debug import sensitive_variables


@sensitive_variables()
def live_keys(label: bytes) -> list[bytes]:
    """Return the 32-byte keys for `label`: the one of SECRET_KEY first, then those of SECRET_KEY_FALLBACKS.

    Sign with the first, accept any. To change a label is to make everything that was signed under it invalid.
    """
    # A list, no generator: before Python 3.11 a mark of Django's error reports ends at one.
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return [hmac.digest(force_bytes(secret), label, "sha256") for secret in secrets]
