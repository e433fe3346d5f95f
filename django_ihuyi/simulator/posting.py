"""Post one form to the customer's server."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

FORM_TYPE = "application/x-www-form-urlencoded; charset=utf-8"
CONNECTIONS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
MAX_ANSWER = 1024


def post_form(url: str, fields: Mapping[str, str], *, timeout: float) -> tuple[bool, str]:
    """Return whether the server took it, and what it said; no redirect is followed, no proxy asked."""
    parts = urlsplit(url)
    connection = CONNECTIONS[parts.scheme](parts.hostname or "", parts.port, timeout=timeout)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    headers = {"Content-Type": FORM_TYPE, "Connection": "close"}
    try:
        connection.request("POST", target, urlencode(fields).encode(), headers)
        return _read(connection.getresponse())
    except (OSError, http.client.HTTPException) as error:
        return False, type(error).__name__
    finally:
        connection.close()


def _read(response: http.client.HTTPResponse) -> tuple[bool, str]:
    # One program in the wild answers `success`, another an empty body.
    is_taken = response.status == 200 and response.read(MAX_ANSWER).strip() in (b"", b"success")
    return is_taken, str(response.status)
