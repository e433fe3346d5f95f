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
    """Take a proof for `purpose`, redeem it, and give the `Proof`: its `phone` is the number to trust.

    The field's `validators` are given the proof, `max_length` and `min_length` are those of the text.
    It is redeemed for the user of the `request` in the serializer's context, if there is one.

    Validating redeems, and a proof is redeemed once. Validate and save in one transaction that is rolled back when the
    request fails (`ATOMIC_REQUESTS`, or `transaction.atomic()` around both): then a proof outlives a wrong password in
    the field beside it.
    """

    default_error_messages = {"proof_invalid": _("The verification of the phone is no longer valid. Repeat it.")}

    def __init__(
        self, *, purpose: str, max_length: int | None = None, min_length: int | None = None, **options: Any
    ) -> None:
        self.purpose = purpose
        super().__init__(**{"write_only": True, **options})
        # Beside a CharField's own, a length would be asked of the proof, which has none, and after it was redeemed.
        self._text = serializers.CharField(max_length=max_length, min_length=min_length)

    def to_internal_value(self, data: object) -> Proof:  # type: ignore[override]  # the value is more than its text
        try:
            if isinstance(data, str):
                self._text.run_validators(data)
            user = getattr(self.context.get("request"), "user", None)
            return proofs.redeem(data, purpose=self.purpose, user=user)
        except InvalidProof:
            self.fail("proof_invalid")
