"""The use cases: send_code hands a code to a phone, verify_code judges a guess, get_status tells how far it is."""

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
