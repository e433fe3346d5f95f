"""Verify an answer to a captcha of GeeTest (极验), version 4: one signed POST, within a deadline.

https://docs.geetest.com/gt4/apirefer/api/server
"""

from __future__ import annotations

import hmac
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import quote, urlsplit

from django_ihuyi.client.exchange import Exchange, prepare
from django_ihuyi.client.outcomes import Fault
from django_ihuyi.client.resolver import Lookup

URL = "https://gcaptcha4.geetest.com/validate"
#: The fields that the captcha gives to the browser, and the browser to us.
FIELDS = ("lot_number", "captcha_output", "pass_token", "gen_time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """GeeTest's judgement of an answer. If `trouble` is set, GeeTest could not be asked, and nothing is known."""

    is_solved: bool
    trouble: str = ""


class GeetestClient:
    """One captcha_id of GeeTest. Threads may share it, and it survives a fork."""

    def __init__(
        self,
        *,
        captcha_id: str,
        captcha_key: str,
        url: str = URL,
        timeout: float = 3.0,
        verify: bool | str = True,
        lookup: Lookup = socket.getaddrinfo,
    ) -> None:
        if not captcha_id or not captcha_key:
            raise ValueError("captcha_id and captcha_key are needed, from GeeTest's console")
        if not 0 < timeout <= 3:
            raise ValueError("timeout must be a number of seconds up to 3")
        if not verify or (verify is not True and not Path(verify).exists()):
            raise ValueError("certificates are always verified: set verify to True, or to the path of a CA bundle")
        _check_url(url)
        self._key = captcha_key.encode()
        # A little less, so that the time to close and report the call is within `timeout`, too.
        self._time_allowed = timeout * 0.97
        # GeeTest's documentation asks for the id in the address, so that it finds a request in its logs.
        self._request = prepare(f"{url}?captcha_id={quote(captcha_id, safe='')}")
        self._exchange = Exchange(connect_timeout=timeout / 2, verify=verify, lookup=lookup)

    def validate(self, answer: Mapping[str, str]) -> Validation:
        """Validate `answer`, the untrusted FIELDS of a request. Never raises for a broken connection or answer."""
        if not _is_whole(answer):
            return Validation(is_solved=False)
        form = {name: answer[name] for name in FIELDS}
        form["sign_token"] = hmac.digest(self._key, form["lot_number"].encode(), "sha256").hex()
        reply = self._exchange.post(self._request, form, deadline=monotonic() + self._time_allowed)
        if isinstance(reply, Fault):
            return Validation(is_solved=False, trouble=reply.text)
        return _judge(reply.body, lot_number=form["lot_number"])

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._exchange.close()


def _is_whole(answer: Mapping[str, str]) -> bool:
    # GeeTest takes a time that is not a number for an error of the site, not of the visitor.
    texts = [answer.get(name, "") for name in FIELDS]
    return all(text.isascii() and text.isprintable() and text for text in texts) and texts[-1].isdigit()


def _judge(body: bytes, *, lot_number: str) -> Validation:
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or said.get("result") not in ("success", "fail"):
        return Validation(is_solved=False, trouble=_complaint(said))
    arguments = said.get("captcha_args")
    # A success counts only for the captcha that was shown: the answer to another one may have been earned elsewhere.
    about = arguments.get("lot_number", lot_number) if isinstance(arguments, dict) else lot_number
    return Validation(is_solved=said["result"] == "success" and about == lot_number)


def _complaint(said: Any) -> str:
    code = said.get("code") if isinstance(said, dict) and said.get("status") == "error" else None
    if isinstance(code, str | int) and str(code).lstrip("-").isdigit():
        return f"GeeTest refuses the request with its error {int(code)}"
    return "GeeTest's answer is not what it documents"


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_fit = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
        _ = parts.port  # raises for a port that is not one
    except ValueError:
        is_fit = False
    if not is_fit or "?" in url or "#" in url or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(f"url must be like {URL}: https, a host and a path, nothing else")
