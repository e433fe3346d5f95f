"""Keys for HMACs: each use derives its own from SECRET_KEY, under its own label."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.utils.encoding import force_bytes
from django.views.decorators.debug import sensitive_variables


@sensitive_variables()
def live_keys(label: bytes) -> list[bytes]:
    """Return the 32-byte keys for `label`: the one of SECRET_KEY first, then those of SECRET_KEY_FALLBACKS.

    Sign with the first, accept any. A changed label makes everything invalid that was signed under it.
    """
    # A list, not a generator: before Python 3.11 `sensitive_variables` does not hide the variables of a generator.
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return [hmac.digest(force_bytes(secret), label, "sha256") for secret in secrets]
