"""The steps of the story, as tests tell it."""

import contextlib

from django_ihuyi.backends.locmem import outbox
from django_ihuyi.delivery.admission.circuit_breaker import FAILURES
from django_ihuyi.exceptions import SendingUnavailable
from django_ihuyi.verification import send_code, verify_code

PHONE = "+8613800138000"
LOCMEM = "django_ihuyi.backends.locmem.LocmemBackend"


def send(phone=PHONE, purpose="login", **rest):
    """Send a code; return what the caller is told."""
    return send_code(phone, purpose=purpose, **rest)


def guess(issued, code):
    return verify_code(issued.verification_id, code)


def guess_right(issued):
    return guess(issued, outbox[-1].code)


def guess_wrong(issued):
    return guess(issued, other_than(outbox[-1].code))


def other_than(code):
    """A wrong code, as long as the right one."""
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"


def failing(**options):
    """CHANNELS whose backend fails, as in `failing(outcome="refused", result_code=4085)`."""
    return {"sms": {"BACKEND": LOCMEM, "OPTIONS": options}}


def shut_the_gates():
    """Let this process learn that the platform, whose backend is `failing(outcome="unsent")`, does not work."""
    for number in range(FAILURES):
        with contextlib.suppress(SendingUnavailable):
            send(f"+86137{number:08d}")
