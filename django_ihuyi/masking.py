"""Keep numbers, codes, proofs and keys out of what a site writes about itself: its log, and its error reports.

Name `MaskingFilter` in LOGGING, and `MaskingReporter` as DEFAULT_EXCEPTION_REPORTER. A code looks like any other six
digits: it is known by the word before it, and by the functions of ours that it passed through.
"""

from __future__ import annotations

import html
import logging
import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.safestring import SafeString
from django.views.debug import ExceptionReporter

from django_ihuyi import phones

__all__ = ["MaskingFilter", "MaskingReporter", "mask"]

#: What stands for a secret.
MASK = "***"

# As people and the platform write numbers, and as an address carries them; eleven digits in a longer row are something
# else. A time of day may end in 00, too. A gap has an end, for what a log is given is anybody's text; the first look
# ahead is for speed alone.
_PLUS, _GAP = r"(?<!\+)(?:\+|%2B)", rf"(?:[ +-]|%20){{0,{phones.MAX_LENGTH}}}"
_MAINLAND = rf"(?=[+%018])(?<![0-9])(?:(?:(?:{_PLUS}|0{_GAP}0){_GAP})?8{_GAP}6{_GAP})?"
_FOREIGN = rf"(?=[+%0])(?:{_PLUS}|(?<![0-9A-Za-z:.])0{_GAP}0){_GAP}(?!8{_GAP}6)"
# First in the usual groups, which tell a number from the digits beside it; then however the digits are spread.
_NUMBERS = [
    re.compile(rf"{number}(?![0-9])", re.IGNORECASE)
    for number in (
        rf"{_FOREIGN}(?P<foreign>[1-9][0-9]{{6,14}})",
        rf"{_MAINLAND}(1[3-9][0-9][ -]?[0-9]{{4}}[ -]?[0-9]{{4}})",
        rf"{_MAINLAND}(1{_GAP}[3-9](?:{_GAP}[0-9]){{9}})",
        rf"{_FOREIGN}(?P<foreign>[1-9](?:{_GAP}[0-9]){{6,14}})",
    )
]
# What may be a digit, a plus or a gap in disguise: another script's, or escaped by `repr` or JSON.
_UNUSUAL = re.compile(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U0001[0-9a-f]{4})|[^\x00-\x7f]")
# The platform's form: a dynamic password opens the account for minutes, a content has the code in it.
_QUOTE = r"""(?:['"]|&#x27;|&quot;)"""
_FIELD = re.compile(rf"""(\b(?:password|content){_QUOTE}?(?:=|: ?){_QUOTE}?)[^&\s'",;}}]+""")
# A report's page has name and value in two cells, and "code" is its class for each value.
_WORD, _TAG = r'(?<!class=")code', r"<[^<>]{1,40}>\s{0,80}"
# Result codes have at most five digits.
_CODE = re.compile(rf"((?:{_WORD}|码)(?:{_TAG}|{_QUOTE}|[^0-9A-Za-z&<]){{1,8}})[0-9]{{6,8}}(?![0-9])", re.IGNORECASE)
# 48 bytes in base64. A digest of that length is none.
_PROOF = re.compile(r"(?<![A-Za-z0-9_-])(?![0-9a-f]{64})[A-Za-z0-9_-]{64}(?![A-Za-z0-9_-])")

#: A shorter text is found everywhere; the checks complain of such a key.
_SHORTEST = 8
_SECRET_NAME = re.compile(r"key|secret|password|token", re.IGNORECASE)
_HOLDERS = ("CHANNELS", "CAPTCHA", "WEBHOOK_SECRETS")

_PACKAGE = str(Path(__file__).parent)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
_FORMATTER = logging.Formatter()


def mask(text: str) -> str:
    """Return the text with every number masked and every secret replaced that can be told from other words."""
    masked = _mask(text)
    spelled = _UNUSUAL.sub(_spell, masked)
    if spelled == masked:
        return masked
    found = _mask(spelled)
    return masked if found == spelled else found


class MaskingFilter(logging.Filter):
    """Mask whatever passes a handler: the message, its arguments, the traceback, and what was added as `extra`.

    It lets every record pass, and raises nothing: a log that is written wrong is no reason to fail.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask a record in place."""
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - else `logging` would print the arguments, to say that they do not fit
            message = f"{record.msg} % {record.args!r}"
        record.msg, record.args = mask(message), None
        if record.exc_info:
            record.exc_text = mask(record.exc_text or _FORMATTER.formatException(record.exc_info))
        if record.stack_info:
            record.stack_info = mask(record.stack_info)
        for name, value in vars(record).items():
            if name not in _STANDARD and isinstance(value, str | bytes | tuple | list | dict):
                setattr(record, name, mask(value if isinstance(value, str) else repr(value)))
        return True


class MaskingReporter(ExceptionReporter):
    """Django's error report, on the page of DEBUG and in mails, without values of our functions and those below."""

    def get_traceback_frames(self) -> list[dict[str, Any]]:
        """Return the frames; ours, and all that ours have called, with their variables' names only."""
        frames: list[dict[str, Any]] = super().get_traceback_frames()
        for frame in frames:
            if frame["tb"] is not None and _is_in_ours(frame["tb"].tb_frame):
                frame["vars"] = [(name, MASK) for name, _ in frame["vars"]]
        return frames

    def get_traceback_html(self) -> SafeString:
        """Return the report as a page."""
        return SafeString(mask(super().get_traceback_html()))

    def get_traceback_text(self) -> SafeString:
        """Return the report as text."""
        return SafeString(mask(super().get_traceback_text()))


def _mask(text: str) -> str:
    for secret in _find_configured():
        text = text.replace(secret, MASK).replace(html.escape(secret), MASK)
    for code in _find_fixed_codes():
        text = re.sub(rf"(?<![0-9A-Za-z.]){re.escape(code)}(?![0-9A-Za-z])", MASK, text)
    text = _FIELD.sub(rf"\1{MASK}", text)
    text = _PROOF.sub(MASK, text)
    for number in _NUMBERS:
        text = number.sub(_mask_number, text)
    return _CODE.sub(rf"\1{MASK}", text)


def _mask_number(match: re.Match[str]) -> str:
    country_code = "+" if "foreign" in match.re.groupindex else "+86"
    return phones.mask(country_code + re.sub(_GAP, "", match[1]))


def _spell(match: re.Match[str]) -> str:
    """Return a character as `phones.parse` reads it, if it may be a part of a number; as it stands if not."""
    text = match[0]
    read = unicodedata.normalize("NFKC", chr(int(text[2:], 16)) if text.startswith("\\") else text)
    return read if set(read) <= set("0123456789+ -") else text


def _is_in_ours(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(_PACKAGE):
            return True
        frame = frame.f_back
    return False


def _find_configured() -> Iterator[str]:
    """Yield the secrets that the settings hold; of settings that are wrong, what can be read."""
    try:
        yield from _find_secrets([django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS], is_secret=True)
    except ImproperlyConfigured:  # no SECRET_KEY: the site is just starting, or will not
        return
    chosen = getattr(django_settings, "IHUYI", {})
    if isinstance(chosen, Mapping):
        yield from _find_secrets({name: chosen.get(name) for name in _HOLDERS})


def _find_fixed_codes() -> Iterator[str]:
    """Yield the codes of TEST_NUMBERS, whether or not they hold today; they are masked as words of their own."""
    chosen = getattr(django_settings, "IHUYI", {})
    entries = chosen.get("TEST_NUMBERS") if isinstance(chosen, Mapping) else None
    for entry in entries.values() if isinstance(entries, Mapping) else ():
        code = entry.get("secret_code") if isinstance(entry, Mapping) else None
        if isinstance(code, str) and code:
            yield code


def _find_secrets(value: object, *, is_secret: bool = False) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _find_secrets(inner, is_secret=is_secret or bool(_SECRET_NAME.search(str(name))))
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from _find_secrets(inner, is_secret=is_secret)
    elif is_secret and isinstance(value, str) and len(value) >= _SHORTEST:
        yield value
