"""The steps of the use cases: send a code, guess right, guess wrong."""

import contextlib

from django_ihuyi.backends.locmem import outbox
from django_ihuyi.delivery.admission.circuit_breaker import FAILURES
from django_ihuyi.exceptions import SendingUnavailable
from django_ihuyi.verification import send_code, verify_code

PHONE = "+8613800138000"
LOCMEM = "django_ihuyi.backends.locmem.LocmemBackend"


def send(phone=PHONE, purpose="login", **rest):
    """Send a code; return the IssuedCode."""
    return send_code(phone, purpose=purpose, **rest)


def guess(issued, code, **rest):
    return verify_code(issued.verification_id, code, **rest)


def guess_right(issued, **rest):
    return guess(issued, outbox[-1].code, **rest)


def guess_wrong(issued, **rest):
    return guess(issued, other_than(outbox[-1].code), **rest)


def other_than(code):
    """Return a wrong code, as long as the right one."""
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"


def failing(**options):
    """Return CHANNELS whose backend fails, as in `failing(outcome="refused", result_code=4085)`."""
    return {"sms": {"BACKEND": LOCMEM, "OPTIONS": options}}


def open_circuit_breaker():
    """Open the circuit breaker, with as many failures of a backend that is `failing(outcome="unsent")`."""
    for number in range(FAILURES):
        with contextlib.suppress(SendingUnavailable):
            send(f"+86137{number:08d}")
