"""Secrets that can be told from everything else, and failures wherever our code passes."""

import base64
import contextlib
import functools
import hashlib
import inspect
import re
import sys
from pathlib import Path
from urllib.parse import quote

from django.db import DataError, IntegrityError, OperationalError

import django_ihuyi
from django_ihuyi import codes, proofs
from django_ihuyi.client import protocol
from django_ihuyi.verification import marks

PACKAGE = str(Path(django_ihuyi.__file__).parent)
PHONE = "+8619876503214"
API_KEY = "c0ffee5ca1ab1e0ddba11deadbea7f00"
SECRET_KEY = "canary-of-the-secret-key-7Vq2mX9sLw4Rk8ZpTf3Yb6Nc"
WEBHOOK_SECRET = "CaNaRy0fTheWebh00k_Zq8-Yw7vU6tS5rR4pP3oO2nN1"
GEETEST_KEY = "ca9a41e5b0a7aafbfd83f73b35a9b530"
TEST_CODE = "80417253"

KINDS = [
    functools.partial(RuntimeError, "forced"),
    functools.partial(OperationalError, "forced"),
    functools.partial(KeyError, "forced"),
    functools.partial(UnicodeDecodeError, "utf-8", b"\xff", 0, 1, "forced"),
    functools.partial(RecursionError, "forced"),
    MemoryError,
    functools.partial(ValueError, "forced"),
    functools.partial(OSError, "forced"),
    functools.partial(IntegrityError, "forced"),
    functools.partial(DataError, "forced"),
]
#: As PostgreSQL words it: a text that tells, where only a mask helps.
QUOTING = DataError(f"wrong\nDETAIL:  Failing row contains (1, {PHONE}).")
#: Who makes the secrets that nobody could know in advance.
MAKERS = {
    codes.derive: "code",
    protocol.sign: "dynamic password",
    proofs.make: "proof",
    inspect.unwrap(marks.make): "device mark",
}


class Canaries:
    """The secrets, by their names; those that are made on the way are found as they are made."""

    def __init__(self):
        self.known = {
            "API key": {API_KEY},
            "full phone": {PHONE, PHONE[3:]},
            "SECRET_KEY": {SECRET_KEY},
            "webhook secret": {WEBHOOK_SECRET},
            "GeeTest's key": {GEETEST_KEY},
            "test number's code": {TEST_CODE},
            "code": set(),
            "dynamic password": set(),
            "proof": set(),
            "device mark": set(),
        }
        self._makers = {maker.__code__: name for maker, name in MAKERS.items()}

    def listen(self, code, value):
        """Note what a function of ours has returned, if that is a secret."""
        if code in self._makers and value:
            self.known[self._makers[code]].add(value)

    def forget(self):
        """Forget what was made on the way."""
        for name in MAKERS.values():
            self.known[name].clear()

    def found_in(self, text):
        """Name the secrets that stand in a text, in whatever disguise."""
        return {name for name, secrets in self.known.items() if any(stands_in(secret, text) for secret in secrets)}


@functools.lru_cache(maxsize=64)
def disguises(secret):
    """The usual encodings of a secret."""
    raw = secret.encode()
    escaped = "".join(f"\\u{ord(character):04x}" for character in secret)
    encoded = base64.b64encode(raw).decode().rstrip("=")
    digest = hashlib.md5(raw, usedforsecurity=False).hexdigest()
    # A code comes to the wire behind a colon that takes three bytes.
    forms = {raw.hex(), encoded, digest, escaped, f"{quote('：')}{secret}", quote(secret)}
    return forms - {secret}


def stands_in(secret, text):
    """Say whether a secret stands in a text: as it is, backwards, or in one of the usual encodings."""
    words = (form for form in (secret, secret[::-1]) if form in text)
    # As words of their own: eight digits stand in many an address of memory.
    if any(re.search(rf"(?<![0-9A-Za-z.]){re.escape(form)}(?![0-9A-Za-z])", text) for form in words):
        return True
    return any(form in text for form in disguises(secret))


class Failures:
    """Make functions of the package fail, one at a time, where they end and hold all that they ever hold."""

    def __init__(self, canaries):
        self.canaries = canaries

    @contextlib.contextmanager
    def watching(self):
        """Yield the functions that end until the end of the block: (file, line, name)."""
        passed = {}

        def watch(frame, event, value):
            if event == "return" and frame.f_code.co_filename.startswith(PACKAGE):
                passed.setdefault(place_of(frame))
                self.canaries.listen(frame.f_code, value)

        with profiled(watch):
            yield passed

    def failing(self, place, error):
        """Raise an error the first time that a function ends."""

        def fail(frame, event, value):
            self._listen(frame, event, value)
            if event == "return" and place_of(frame) == place:
                sys.setprofile(self._listen)
                raise error.with_traceback(None)

        return profiled(fail)

    def listening(self):
        """Note the secrets that are made until the end of the block."""
        return profiled(self._listen)

    def _listen(self, frame, event, value):
        if event == "return":
            self.canaries.listen(frame.f_code, value)


def place_of(frame):
    code = frame.f_code
    return code.co_filename, code.co_firstlineno, code.co_name


@contextlib.contextmanager
def profiled(callback):
    sys.setprofile(callback)
    try:
        yield
    finally:
        sys.setprofile(None)
