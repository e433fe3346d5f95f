"""A field for a host's own serializers: the proof that a phone was verified."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from django_ihuyi import proofs
from django_ihuyi.exceptions import InvalidProof
from django_ihuyi.proofs import Proof


class PhoneProofField(serializers.CharField):
    """Take a proof for `purpose`, redeem it, and give the `Proof`: its `phone` is the number to trust.

    Validating redeems, and a proof is redeemed once. Validate and save in one transaction that is rolled back when the
    request fails (`ATOMIC_REQUESTS`, or `transaction.atomic()` around both): then a proof outlives a wrong password in
    the field beside it.
    """

    default_error_messages = {"proof_invalid": _("The verification of the phone is no longer valid. Repeat it.")}

    def __init__(self, *, purpose: str, **options: Any) -> None:
        self.purpose = purpose
        super().__init__(**{"write_only": True, **options})

    def to_internal_value(self, data: object) -> Proof:  # type: ignore[override]  # the value is more than its text
        try:
            return proofs.redeem(data, purpose=self.purpose)
        except InvalidProof:
            self.fail("proof_invalid")
