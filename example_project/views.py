"""The one page, and the endpoint that takes what the page earned: a proof that a phone was verified."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe
from rest_framework import serializers
from rest_framework.parsers import JSONParser
from rest_framework.response import Response
from rest_framework.views import APIView

from django_ihuyi.api.fields import PhoneProofField

PURPOSE = "register"
# No script and no style but the site's own files; GeeTest's puzzle comes from its own hosts, with styles in it.
POLICY = "default-src 'self'"
POLICIES = {
    "geetest": "default-src 'self' https://*.geetest.com; style-src 'self' 'unsafe-inline' https://*.geetest.com"
}


@require_safe
@ensure_csrf_cookie
def home(request):
    context = {"purpose": PURPOSE, "has_simulator": "simulator" in settings.IHUYI["CHANNELS"]["sms"]["BACKEND"]}
    response = render(request, "example_project/home.html", context)
    response["Content-Security-Policy"] = POLICIES.get(settings.IHUYI["CAPTCHA"].get("BACKEND"), POLICY)
    return response


class Registration(serializers.Serializer):
    """What the endpoint takes; the field redeems the proof, so a second use of the same one is refused."""

    proof = PhoneProofField(purpose=PURPOSE)


class Register(APIView):
    """Open an account for the phone that the proof speaks of: no phone is taken from the request itself."""

    # A form, which a page of any site can send, has no business here: JSON needs our leave to come from elsewhere.
    parser_classes = [JSONParser]

    # What fails below gives the proof back.
    @method_decorator(transaction.atomic)
    def post(self, request):
        registration = Registration(data=request.data)
        registration.is_valid(raise_exception=True)
        phone = registration.validated_data["proof"].phone
        user, created = get_user_model().objects.get_or_create(username=phone)
        return Response({"user": user.pk, "phone": phone, "created": created}, status=201 if created else 200)
