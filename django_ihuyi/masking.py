"""Mask numbers, codes, proofs, device marks and keys in the log and in error reports.

Name `MaskingFilter` in LOGGING, and `MaskingReporter` as DEFAULT_EXCEPTION_REPORTER. A code looks like any other six
digits: it is recognized by the word before it, and in error reports by the functions of this app that it passed.
"""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.safestring import SafeString
from django.views.debug import ExceptionReporter

from django_ihuyi import phones
from django_ihuyi.phones import spelling

__all__ = ["MaskingFilter", "MaskingReporter", "mask"]

#: Replaces a secret.
MASK = "***"

# Numbers and codes are searched in the folded text; group 1 is what is masked. In an address "+" is a blank, too.
# A gap has an end: a log holds text of strangers, which must be searched in linear time. The lookahead at the
# beginning of a number only makes the search faster.
_GAP = rf"[ +]{{0,{phones.MAX_LENGTH}}}"
_PLUS = r"(?<!\+)\+"
_MAINLAND = rf"(?=[+018])(?<![0-9])(?:(?:(?:{_PLUS}|0{_GAP}0){_GAP})?8{_GAP}6{_GAP})?"
# A colon or a dot before 00 means a time of day.
_FOREIGN = rf"(?=[+0])(?:{_PLUS}|(?<![0-9A-Za-z:.])0{_GAP}0){_GAP}(?!8{_GAP}6)"
# The usual groups come first, because they tell a number from the digits beside it.
_NUMBERS = [
    re.compile(rf"(?P<{kind}>{number})(?![0-9])")
    for kind, number in (
        ("foreign", rf"{_FOREIGN}[1-9][0-9]{{6,14}}"),
        ("mainland", rf"{_MAINLAND}1[3-9][0-9] ?[0-9]{{4}} ?[0-9]{{4}}"),
        ("mainland", rf"{_MAINLAND}1{_GAP}[3-9](?:{_GAP}[0-9]){{9}}"),
        ("foreign", rf"{_FOREIGN}[1-9](?:{_GAP}[0-9]){{6,14}}"),
    )
]
# Fields of the platform's form: a dynamic password opens the account for minutes, and a content contains the code.
_QUOTE = r"""(?:['"]|&#x27;|&quot;)"""
_FIELD = re.compile(rf"""(\b(?:password|content){_QUOTE}?(?:=|: ?){_QUOTE}?)[^&\s'",;}}]+""")
# The page of an error report has name and value in two cells, and the cell of every value has the class "code".
_WORD, _TAG = r'(?<!class=")code', r"<[^<>]{1,40}>\s{0,80}"
# Result codes have at most five digits.
_CODE = re.compile(rf"(?:{_WORD}|码)(?:{_TAG}|{_QUOTE}|[^0-9A-Za-z&<]){{1,8}}([0-9]{{6,8}})(?![0-9])", re.IGNORECASE)
# Proofs and device marks: 48 or 66 bytes in base64, but no SHA-256 digest, which is as long as a proof. The letter or
# the digits of an escape before it (`\\n`, `%3D`) belong to no proof and no mark.
_BASE64 = "[A-Za-z0-9_-]"
_SIGNED = re.compile(
    rf"(?:(?<!{_BASE64})|(?<=\\[nrt])|(?<=%[0-9A-Fa-f][0-9A-Fa-f]))"
    rf"(?![0-9a-f]{{64}}(?!{_BASE64})){_BASE64}{{64}}(?:{_BASE64}{{24}})?(?!{_BASE64})"
)

#: A shorter secret would be found in ordinary words, too. The checks warn of such a key.
_SHORTEST = 8
_SECRET_NAME = re.compile(r"key|secret|password|token", re.IGNORECASE)
_HOLDERS = ("CHANNELS", "CAPTCHA", "WEBHOOK_SECRETS")

_PACKAGE = str(Path(__file__).parent)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
_FORMATTER = logging.Formatter()


def mask(text: str) -> str:
    """Return the text with numbers masked and secrets replaced, as far as they can be recognized."""
    for secret in _find_configured():
        text = text.replace(secret, MASK).replace(html.escape(secret), MASK)
    text = _FIELD.sub(rf"\1{MASK}", text)
    text = _SIGNED.sub(MASK, text)
    text = _mask_digits(text, *spelling.fold_within(text))
    # Once more, because the fold reads the marks of a list as digits, too: "①13800138000".
    return _mask_digits(text, *spelling.fold_ascii(text))


class MaskingFilter(logging.Filter):
    """Mask the records of a handler: message, arguments, traceback, and the values of `extra`.

    Every record passes, and nothing is raised: a wrong logging call must not make the request fail.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask a record in place."""
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - the handler's own error report would print the arguments
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
    """Django's error report, on the page of DEBUG and in mails, without the variables of this app's functions.

    Functions that they called, such as a database driver's, are treated alike.
    """

    def get_traceback_frames(self) -> list[dict[str, Any]]:
        """Return the frames, with the names only of the variables in this app's frames and those below."""
        frames: list[dict[str, Any]] = super().get_traceback_frames()
        for frame in frames:
            if frame["tb"] is not None and _is_below_ours(frame["tb"].tb_frame):
                frame["vars"] = [(name, MASK) for name, _ in frame["vars"]]
        return frames

    def get_traceback_html(self) -> SafeString:
        """Return the report as a page."""
        return SafeString(mask(super().get_traceback_html()))

    def get_traceback_text(self) -> SafeString:
        """Return the report as text."""
        return SafeString(mask(super().get_traceback_text()))


def _mask_digits(text: str, folded: str, origins: Sequence[int]) -> str:
    """Mask the numbers and codes that stand in the folded text; leave all other characters of `text` as they are."""
    found: list[tuple[int, int, str]] = []

    def note(match: re.Match[str]) -> str:
        start, end = match.span(1)
        digits = re.sub("[^0-9]", "", match[1])
        numbers = {"mainland": f"+86{digits[-11:]}", "foreign": f"+{digits.lstrip('0')}"}
        masked = phones.mask(numbers[match.lastgroup]) if match.lastgroup else MASK
        found.append((origins[start], origins[end], masked))
        # Stars of the same length: positions stay valid, and no later pattern finds these digits again.
        return match[0][: start - match.start()] + "*" * (end - start)

    for pattern in (*_find_fixed_codes(), *_NUMBERS, _CODE):
        folded = pattern.sub(note, folded)
    pieces, position = [], 0
    for start, end, masked in sorted(found):
        pieces += [text[position:start], masked]
        position = end
    return "".join([*pieces, text[position:]])


def _is_below_ours(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(_PACKAGE):
            return True
        frame = frame.f_back
    return False


def _find_configured() -> Iterator[str]:
    """Yield the secrets of the settings. Malformed settings are skipped, because the log must work without them."""
    try:
        yield from _find_secrets([django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS], is_secret=True)
    except ImproperlyConfigured:  # SECRET_KEY is empty, or settings are not configured yet
        return
    chosen = getattr(django_settings, "IHUYI", {})
    if isinstance(chosen, Mapping):
        yield from _find_secrets({name: chosen.get(name) for name in _HOLDERS})


def _find_fixed_codes() -> Iterator[re.Pattern[str]]:
    """Yield patterns of the codes of TEST_NUMBERS, valid today or not, as words of their own."""
    chosen = getattr(django_settings, "IHUYI", {})
    entries = chosen.get("TEST_NUMBERS") if isinstance(chosen, Mapping) else None
    for entry in entries.values() if isinstance(entries, Mapping) else ():
        code = entry.get("secret_code") if isinstance(entry, Mapping) else None
        if isinstance(code, str) and code:
            yield re.compile(rf"(?<![0-9A-Za-z.])({re.escape(code)})(?![0-9A-Za-z])")


def _find_secrets(value: object, *, is_secret: bool = False) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _find_secrets(inner, is_secret=is_secret or bool(_SECRET_NAME.search(str(name))))
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from _find_secrets(inner, is_secret=is_secret)
    elif is_secret and isinstance(value, str) and len(value) >= _SHORTEST:
        yield value
