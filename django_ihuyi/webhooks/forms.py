"""Parse the platform's forms within bounds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qsl

from django.http import HttpRequest, UnreadablePostError
from django.views.decorators.debug import sensitive_variables

from django_ihuyi import phones
from django_ihuyi.client.sanitizing import clean
from django_ihuyi.conf import settings
from django_ihuyi.exceptions import InvalidPhone
from django_ihuyi.models.receipts import Receipt

#: Longest body, in bytes. The longest honest one has some thousands.
MAX_BYTES = 64 * 1024
MAX_FIELDS = 100
#: The charsets that a Content-Type may name: {WEBHOOK_ENCODING: names}.
CHARSETS = {"utf-8": ("utf-8", "utf8"), "gbk": ("gbk", "gb2312")}
#: The platform's time zone (our inference: its documents do not say).
BEIJING = timezone(timedelta(hours=8))

#: The receipt's code of a delivered message; any other code means undelivered.
_DELIVERED = "2"
_PLATFORM_ID = re.compile(r"[!-~]{1,64}")
_TIME = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")


class Refused(Exception):
    """The body is not a form of the platform. `reason` says why, without quoting the body."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingReply:
    """A text that a phone sent back."""

    #: Canonical.
    phone: str = field(repr=False)
    content: str = field(repr=False)
    platform_id: str
    replied_at: datetime | None


@sensitive_variables()
def read_form(request: HttpRequest) -> dict[str, str]:
    """Return the fields of a form; raise Refused if the body is not a form, or too long."""
    # Not request.POST: its bound is the host's, and it replaces bytes that are not UTF-8.
    encoding = settings.WEBHOOK_ENCODING
    charset = (request.content_params or {}).get("charset", encoding).lower()
    if request.content_type != "application/x-www-form-urlencoded" or charset not in CHARSETS[encoding]:
        raise Refused(415, f"the body is not a form in {encoding.upper()}")
    body = _read(request)
    try:
        pairs = parse_qsl(
            body.decode(encoding),
            keep_blank_values=True,
            encoding=encoding,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        # Not `from error`: it carries the body.
        raise Refused(400, f"the form is not {encoding.upper()}, or has too many fields") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise Refused(400, "the form has a field twice")
    return form


@sensitive_variables()
def read_receipt(form: Mapping[str, str]) -> Receipt:
    """Return the receipt (回执) in a form. Only the marketing product calls the id `task_id`."""
    phone = _phone(form)
    return Receipt(
        platform_id=_platform_id(form.get("smsid") or _need(form, "task_id", named="smsid or task_id")),
        phone=phone,
        is_delivered=_need(form, "code") == _DELIVERED,
        code=clean(_need(form, "code"))[:32],
        text=clean(form.get("msg", ""), secrets=[form["mobilephone"], phone.removeprefix("+86").removeprefix("+")]),
        reported_at=_time(form.get("report_time", "")),
    )


@sensitive_variables()
def read_reply(form: Mapping[str, str]) -> IncomingReply:
    """Return the reply (上行) in a form."""
    content = form.get("content")
    if content is None:
        raise Refused(400, "the form has no content")
    return IncomingReply(
        phone=_phone(form),
        content=content,
        # "0" means "no message" everywhere on the platform, and a phone may opt out without replying to a message.
        platform_id="" if form.get("smsid") in (None, "", "0") else _platform_id(form["smsid"]),
        replied_at=_time(form.get("reply_time") or form.get("replyTime", "")),
    )


def _read(request: HttpRequest) -> bytes:
    if _declared_length(request) > MAX_BYTES:
        raise Refused(413, "the body is too long")
    try:
        body = request.read(MAX_BYTES + 1)
    except UnreadablePostError:
        raise Refused(400, "the body did not arrive") from None
    if len(body) > MAX_BYTES:
        raise Refused(413, "the body is too long")
    return body


def _declared_length(request: HttpRequest) -> int:
    declared = request.META.get("CONTENT_LENGTH") or ""
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else 0


def _need(form: Mapping[str, str], name: str, *, named: str = "") -> str:
    if not form.get(name):
        raise Refused(400, f"the form has no {named or name}")
    return form[name]


def _phone(form: Mapping[str, str]) -> str:
    try:
        return phones.parse_wire(_need(form, "mobilephone").strip())
    except InvalidPhone:
        raise Refused(400, "the form's mobilephone is not a phone number") from None


def _platform_id(text: str) -> str:
    # The platform writes "0" where there is no message.
    if text == "0" or not _PLATFORM_ID.fullmatch(text):
        raise Refused(400, "the form's id is not an id of a message")
    return text


def _time(text: str) -> datetime | None:
    """Return a time in Beijing's zone. None for any other text: a wrong time must not cost the receipt."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=BEIJING) if _TIME.fullmatch(text) else None
    except ValueError:
        return None
