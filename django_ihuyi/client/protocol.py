"""The platform's language, pure: build and sign a form, parse an answer, make its text fit to be shown."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from django_ihuyi.exceptions import InvalidAnswer

#: The result code of success.
SUCCESS = 2
#: Characters that are kept of the platform's text.
MAX_TEXT = 200

_CODE = re.compile(r"0|[1-9][0-9]{0,8}")
_PLATFORM_ID = re.compile(r"[!-~]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The platform's answer to Submit or GetNum."""

    code: int
    text: str
    #: The id of a message that was accepted, else empty.
    platform_id: str = ""
    #: The balance, if GetNum succeeded.
    units: int | None = None


def build_form(
    *,
    account: str,
    api_key: str,
    mobile: str | None = None,
    content: str | None = None,
    template_id: str | None = None,
    send_at: int | None = None,
    time: str | None = None,
    format: str | None = None,
) -> dict[str, str]:
    """Return the form of a Submit, or without `mobile` and `content` that of a GetNum.

    With `time` the password is the dynamic one, else the key itself. With `template_id`, `content` is only the
    variables, joined by "|".
    """
    fields = {
        "account": account,
        "password": api_key,
        "mobile": mobile,
        "content": content,
        "templateid": template_id,
        # In Unix seconds, as the platform writes its `time`: how it writes `stime` is not public.
        "stime": None if send_at is None else f"{send_at:010d}",
        "time": time,
        "format": format,
    }
    if time is not None:
        fields["password"] = sign(
            account=account, api_key=api_key, mobile=mobile or "", content=content or "", time=time
        )
    return {name: value for name, value in fields.items() if value is not None}


def sign(*, account: str, api_key: str, time: str, mobile: str = "", content: str = "") -> str:
    """Return the dynamic password: of a Submit, or without `mobile` and `content` of a GetNum."""
    # MD5 is the platform's choice, not ours: it proves knowledge of the key for a moment, and protects nothing that
    # lasts.
    return hashlib.md5(f"{account}{api_key}{mobile}{content}{time}".encode(), usedforsecurity=False).hexdigest()


def parse_submit(body: bytes, *, format: str, id_field: str = "smsid") -> Answer:
    """Return the answer to Submit. Raises InvalidAnswer for anything else.

    `id_field` is `voiceid` for the voice products and `ismsid` for the international one.
    """
    fields = _read(body, format=format, root="SubmitResult")
    code = _integer(fields, "code")
    platform_id = _platform_id(fields.get(id_field)) if code == SUCCESS else ""
    return Answer(code=code, text=_msg(fields), platform_id=platform_id)


def parse_balance(body: bytes, *, format: str) -> Answer:
    """Return the answer to GetNum. Raises InvalidAnswer for anything else."""
    fields = _read(body, format=format, root="GetNumResult")
    code = _integer(fields, "code")
    units = _integer(fields, "num") if code == SUCCESS else None
    return Answer(code=code, text=_msg(fields), units=units)


def clean(text: str, *, secrets: Iterable[str] = ()) -> str:
    """Return the text without the secrets that the platform echoes, escaped, and cut to 200 characters."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    # Cut before the escaping as well, so that a long answer costs nothing.
    return escape(text[:MAX_TEXT])[:MAX_TEXT]


def secrets_of(form: dict[str, str]) -> list[str]:
    """Return the secrets of a request, longest first: password, numbers, content, and the codes in it."""
    mobile, content = form.get("mobile", ""), form.get("content", "")
    found = {form["password"], mobile, content, *re.findall(r"[0-9]{4,}", f"{mobile} {content}")}
    return sorted(found, key=len, reverse=True)


def escape(text: str) -> str:
    """Return the text with escapes for what does not print: controls, line ends, changes of writing direction."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def _read(body: bytes, *, format: str, root: str) -> dict[str, Any]:
    """Read one of the platform's two notations, strictly, into a flat dict."""
    try:
        # PHP programs are known to put a byte order mark before their answers.
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        # `from None`, here and below: the cause holds the whole answer, which may be any text.
        raise InvalidAnswer("the answer is not UTF-8") from None
    return _read_xml(text, root=root) if format == "xml" else _read_json(text)


def _read_json(text: str) -> dict[str, Any]:
    try:
        document = json.loads(
            text, object_pairs_hook=_without_repeats, parse_constant=_refuse_constant, parse_int=_read_int
        )
    except (ValueError, RecursionError):
        raise InvalidAnswer("the answer is not valid JSON") from None
    if not isinstance(document, dict):
        raise InvalidAnswer("the answer is JSON, but not an object")
    return document


def _read_xml(text: str, *, root: str) -> dict[str, str]:
    try:
        # Without the blanks around it, because a parser takes none before the XML declaration. Without a DTD, because
        # its entities could grow to gigabytes, or read files.
        element = fromstring(text.strip(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        raise InvalidAnswer("the answer is not valid XML, or has a DTD") from None
    if _local_name(element) != root:
        raise InvalidAnswer(f"the answer is XML, but not a {root}")
    if any(len(child) for child in element):
        raise InvalidAnswer("the answer has elements within elements")
    return _without_repeats([(_local_name(child), (child.text or "").strip()) for child in element])


def _local_name(element: Element) -> str:
    # Without the namespace: the platform's documents and its answers write it in different ways.
    return element.tag.rpartition("}")[2]


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        # Of two codes, either may be the one that is meant.
        raise InvalidAnswer("the answer has a field twice")
    return fields


def _refuse_constant(constant: str) -> Any:
    raise InvalidAnswer(f"the answer has {constant}, which is not JSON")


def _read_int(digits: str) -> int | str:
    # No field needs a longer number, and int() of many thousand digits is slow. As text it costs nothing.
    return int(digits) if len(digits) < 20 else digits


def _integer(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name)
    # `type`, not `isinstance`: True is an int, and equals 1.
    if type(value) is int and 0 <= value < 1_000_000_000:
        return value
    # Some accounts are said to get a text where others get a number.
    if isinstance(value, str) and _CODE.fullmatch(value):
        return int(value)
    raise InvalidAnswer(f"the answer's {name} is not a whole number")


def _msg(fields: dict[str, Any]) -> str:
    # It may be missing: the code alone decides.
    text = fields.get("msg", "")
    if not isinstance(text, str):
        raise InvalidAnswer("the answer's msg is not a text")
    return text


def _platform_id(value: object) -> str:
    # The platform writes the id 0 for a message that it refused.
    if isinstance(value, str) and value != "0" and _PLATFORM_ID.fullmatch(value):
        return value
    raise InvalidAnswer("the answer says success, but has no id")
