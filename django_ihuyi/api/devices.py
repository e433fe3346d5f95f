"""Device marks (verification/marks.py) in HTTP: in a cookie for pages, in a member of the body for apps.

Scripts of a page cannot read the cookie, and the member is answered only to a request that has it. So a page never
sees a mark, unless it asks for one with a right code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.views.decorators.debug import sensitive_variables
from rest_framework import serializers
from rest_framework.fields import SkipField, empty
from rest_framework.request import Request
from rest_framework.response import Response

from django_ihuyi.verification import Verdict, marks

COOKIE, MEMBER = "ihuyi_device", "device"
#: The marks that a cookie holds, each of another phone.
MOST = 3


class DeviceField(serializers.CharField):
    """The member, if a body has it. A value that is no text is the empty text: a mark is an offer, not a duty."""

    def __init__(self) -> None:
        words = "The device marks of the client, joined by dots; at first empty. Any other value counts as empty."
        super().__init__(required=False, allow_null=True, allow_blank=True, help_text=words)

    def run_validation(self, data: object = empty) -> str:
        if data is empty:
            raise SkipField
        return data if isinstance(data, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """The device marks that a request came with, as texts, and whether its answer has the member."""

    member: str = field(repr=False)
    cookie: str = field(repr=False)
    is_answered: bool

    @property
    def text(self) -> str:
        """The marks of both, those of the member first."""
        return marks.SEPARATOR.join((self.member, self.cookie))


@sensitive_variables()
def pop_device(request: Request, body: dict[str, Any]) -> Device:
    """Take the member out of a validated body, and the cookie out of the request: error reports show cookies."""
    is_answered = MEMBER in body
    return Device(member=body.pop(MEMBER, ""), cookie=request.COOKIES.pop(COOKIE, ""), is_answered=is_answered)


@sensitive_variables()
def hand_out(response: Response, verdict: Verdict, device: Device) -> Response:
    """Give the mark of a right guess to the client. The cookie keeps those of other phones that it had before."""
    if device.is_answered:
        response.data[MEMBER] = verdict.device
    mine = {mark.text for mark in marks.read_of(str(verdict.phone), device.cookie)}
    others = [mark.text for mark in marks.read(device.cookie) if mark.text not in mine]
    response.set_cookie(
        COOKIE,
        marks.SEPARATOR.join([str(verdict.device), *others[: MOST - 1]]),
        max_age=marks.LIFETIME,
        secure=True,
        httponly=True,
        samesite="Lax",
    )
    return response
