"""The use cases: send_code sends a code to a phone, verify_code judges a guess, get_status returns the state."""

from django_ihuyi.verification.sending import IssuedCode, send_code
from django_ihuyi.verification.status import Status, get_status
from django_ihuyi.verification.verifying import Verdict, VerdictOutcome, verify_code

__all__ = [
    "IssuedCode",
    "Status",
    "Verdict",
    "VerdictOutcome",
    "get_status",
    "send_code",
    "verify_code",
]
