"""A permission for a host's own views: the request must bring the proof that a phone was verified."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from django_ihuyi import proofs
from django_ihuyi.exceptions import InvalidProof
from django_ihuyi.masking import MASK
from django_ihuyi.proofs import Proof

__all__ = ["HasPhoneProof"]


class HasPhoneProof(BasePermission):
    """Admit a request that brings a proof for the view's `phone_proof_purpose`, and redeem the proof.

    The proof comes in the header `Phone-Proof` or in the body's field `proof`; `request.phone_proof` is then the
    `Proof`, whose `phone` is the number to trust. It is redeemed for the request's user, if there is one. All other
    requests are refused with 403 and the code `proof_invalid`. Put this permission last in `permission_classes`, so
    that a request that another permission refuses does not use up its proof.
    """

    message = _("The verification of the phone is missing or no longer valid. Repeat it.")
    code = "proof_invalid"

    def has_permission(self, request: Request, view: APIView) -> bool:
        purpose: str = view.phone_proof_purpose  # type: ignore[attr-defined]  # the host's view names it
        redeemed = getattr(request._request, "phone_proof", None)
        if not isinstance(redeemed, Proof) or redeemed.purpose != purpose:
            # Stored on Django's request, which outlives DRF's: the browsable API checks again for each form it draws.
            request._request.phone_proof = self._redeem(request, purpose)  # type: ignore[attr-defined]
        return True

    def _redeem(self, request: Request, purpose: str) -> Proof:
        try:
            return proofs.redeem(_take_token(request), purpose=purpose, user=request.user)
        except InvalidProof as error:
            # Raised, not returned as False: DRF would tell an anonymous caller to log in instead.
            raise PermissionDenied(self.message, code=self.code) from error


@sensitive_variables()
def _take_token(request: Request) -> object:
    """Return the proof and blank the header: error reports show headers, and a rollback makes a proof valid again."""
    header = request.META.get("HTTP_PHONE_PROOF")
    if header is not None:
        request.META["HTTP_PHONE_PROOF"] = MASK
        return header
    body = request.data
    return body.get("proof") if isinstance(body, Mapping) else None
