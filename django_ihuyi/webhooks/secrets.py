"""The secrets that stand in for a signature: the platform signs nothing that it pushes, so it must know one of them."""

from __future__ import annotations

import hashlib
import hmac
import re

from django_ihuyi.conf import settings

#: What 32 random bytes are in URL-safe base64.
MIN_LENGTH = 43
_FORM = re.compile(r"[A-Za-z0-9_-]+")
#: A shorter one opens nothing, also where nobody has run the checks.
_LEAST = 32


def is_sound(secret: str) -> bool:
    """Say whether a secret is long enough, and made of characters that stand in a URL as they are."""
    return len(secret) >= MIN_LENGTH and bool(_FORM.fullmatch(secret))


def is_known(offered: str) -> bool:
    """Say whether this is one of WEBHOOK_SECRETS; to say no takes as long for a near miss as for any other.

    A secret of less than 32 characters opens nothing.
    """
    digest = _digest(offered)
    usable = [secret for secret in settings.WEBHOOK_SECRETS if len(secret) >= _LEAST]
    # All of them are compared, whichever it is. Digests, because a comparison of texts tells their lengths.
    return True in [hmac.compare_digest(digest, _digest(secret)) for secret in usable]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
