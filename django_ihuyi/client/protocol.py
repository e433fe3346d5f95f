"""The platform's language, pure: sign and build what is asked, parse what is answered."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from django_ihuyi.client.documents import read_json, read_xml
from django_ihuyi.exceptions import InvalidAnswer

#: The result code of success.
SUCCESS = 2

_CODE = re.compile(r"0|[1-9][0-9]{0,8}")
_PLATFORM_ID = re.compile(r"[!-~]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitAnswer:
    """The platform's answer to Submit; `platform_id` is empty unless the code is success."""

    code: int
    text: str
    platform_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceAnswer:
    """The platform's answer to GetNum; `units` is None unless the code is success."""

    code: int
    text: str
    units: int | None


def sign(*, account: str, api_key: str, mobile: str, content: str, time: str) -> str:
    """Make the dynamic password of a Submit."""
    return _md5(account + api_key + mobile + content + time)


def sign_balance(*, account: str, api_key: str, time: str) -> str:
    """Make the dynamic password of a GetNum."""
    return _md5(account + api_key + time)


def build_submit(
    *,
    account: str,
    api_key: str,
    mobile: str,
    content: str,
    template_id: str | None = None,
    send_at: int | None = None,
    time: str | None = None,
    format: str | None = None,
) -> dict[str, str]:
    """Build the form of a Submit; with `time` the password is the dynamic one, else the key itself.

    With `template_id`, `content` is only the variables, joined by "|". `send_at` is in Unix seconds: how the platform
    writes its `stime` is not public, so we write it as its `time`.
    """
    form = {"account": account, "password": api_key, "mobile": mobile, "content": content}
    if template_id is not None:
        form["templateid"] = template_id
    if send_at is not None:
        form["stime"] = f"{send_at:010d}"
    if time is not None:
        form["password"] = sign(account=account, api_key=api_key, mobile=mobile, content=content, time=time)
        form["time"] = time
    if format is not None:
        form["format"] = format
    return form


def build_balance(
    *,
    account: str,
    api_key: str,
    time: str | None = None,
    format: str | None = None,
) -> dict[str, str]:
    """Build the form of a GetNum; with `time` the password is the dynamic one, else the key itself."""
    form = {"account": account, "password": api_key}
    if time is not None:
        form["password"] = sign_balance(account=account, api_key=api_key, time=time)
        form["time"] = time
    if format is not None:
        form["format"] = format
    return form


def parse_submit(body: bytes, *, format: str, id_field: str = "smsid") -> SubmitAnswer:
    """Parse the answer to Submit; raise InvalidAnswer for all that is not one.

    `id_field` is `voiceid` for the voice product and `ismsid` for the international one.
    """
    fields = read_xml(body, root="SubmitResult") if format == "xml" else read_json(body)
    code, text = _code(fields), _msg(fields)
    if code != SUCCESS:
        return SubmitAnswer(code=code, text=text, platform_id="")
    return SubmitAnswer(code=code, text=text, platform_id=_platform_id(fields.get(id_field)))


def parse_balance(body: bytes, *, format: str) -> BalanceAnswer:
    """Parse the answer to GetNum; raise InvalidAnswer for all that is not one."""
    fields = read_xml(body, root="GetNumResult") if format == "xml" else read_json(body)
    code, text = _code(fields), _msg(fields)
    units = _integer(fields.get("num"), name="num") if code == SUCCESS else None
    return BalanceAnswer(code=code, text=text, units=units)


def _md5(text: str) -> str:
    # The platform's choice, not ours: it proves knowledge of the key for a moment, and protects nothing that lasts.
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _code(fields: dict[str, Any]) -> int:
    return _integer(fields.get("code"), name="code")


def _integer(value: object, *, name: str) -> int:
    # `type`, not `isinstance`: True is an int, and equals 1.
    if type(value) is int and 0 <= value < 1_000_000_000:
        return value
    # Some accounts are said to get a text where others get a number.
    if isinstance(value, str) and _CODE.fullmatch(value):
        return int(value)
    raise InvalidAnswer(f"the answer's {name} is not a whole number")


def _msg(fields: dict[str, Any]) -> str:
    text = fields.get("msg", "")
    if not isinstance(text, str):
        raise InvalidAnswer("the answer's msg is no text")
    return text


def _platform_id(value: object) -> str:
    if isinstance(value, str) and value != "0" and _PLATFORM_ID.fullmatch(value):
        return value
    raise InvalidAnswer("the answer says success, but has no id")
