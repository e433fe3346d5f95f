"""A field for a host's own serializers: the proof that a phone was verified."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from django_ihuyi import proofs
from django_ihuyi.exceptions import InvalidProof
from django_ihuyi.proofs import Proof

__all__ = ["PhoneProofField"]


class PhoneProofField(serializers.CharField):
    """Redeem a proof for `purpose`; the validated value is the `Proof`, whose `phone` is the number to trust.

    The field's `validators` get the `Proof`; `max_length` and `min_length` are those of the text.
    The proof is redeemed for the user of the `request` in the serializer's context, if there is one.

    Validating redeems, and a proof is redeemed once. Validate and save in one transaction that is rolled back when the
    request fails (`ATOMIC_REQUESTS`, or `transaction.atomic()` around both). Then a wrong password in another field
    does not use up the proof.
    """

    default_error_messages = {"proof_invalid": _("The verification of the phone is no longer valid. Repeat it.")}

    def __init__(
        self, *, purpose: str, max_length: int | None = None, min_length: int | None = None, **options: Any
    ) -> None:
        self.purpose = purpose
        super().__init__(**{"write_only": True, **options})
        # A CharField checks its own lengths after to_internal_value, on the redeemed `Proof`, which has none.
        self._text = serializers.CharField(max_length=max_length, min_length=min_length)

    def to_internal_value(self, data: object) -> Proof:  # type: ignore[override]  # a Proof, where CharField has text
        try:
            if isinstance(data, str):
                self._text.run_validators(data)
            user = getattr(self.context.get("request"), "user", None)
            return proofs.redeem(data, purpose=self.purpose, user=user)
        except InvalidProof:
            self.fail("proof_invalid")
