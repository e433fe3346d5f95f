"""A field for a host's own Django forms: the proof that a phone was verified."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from django_ihuyi import proofs
from django_ihuyi.exceptions import InvalidProof
from django_ihuyi.proofs import Proof

__all__ = ["PhoneProofField"]


class PhoneProofField(forms.CharField):
    """Redeem a proof for `purpose`; the cleaned value is the `Proof`, whose `phone` is the number to trust.

    A form does not know its user: set `form.fields[name].user` to redeem the proof for a user of yours.

    Validating redeems, and a proof is redeemed once. Validate and save in one transaction, and roll it back when the
    form is invalid. Then a wrong password in another field does not use up the proof.
    """

    widget = forms.HiddenInput
    #: The user that the proof is redeemed for, if set.
    user: object = None
    default_error_messages = {
        "required": _("Verify the phone first."),
        "proof_invalid": _("The verification of the phone is no longer valid. Repeat it."),
    }

    def __init__(self, *, purpose: str, **options: Any) -> None:
        self.purpose = purpose
        super().__init__(**options)

    @sensitive_variables()
    def clean(self, value: Any) -> Proof | None:
        """Redeem the proof; return None for an empty field that is not required."""
        token = super().clean(value)
        if not token:
            return None
        try:
            return proofs.redeem(token, purpose=self.purpose, user=self.user)
        except InvalidProof as error:
            raise ValidationError(self.error_messages["proof_invalid"], code="proof_invalid") from error
