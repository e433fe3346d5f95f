"""The registration page, and the endpoint that takes its proof that a phone was verified."""

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
# Scripts and styles from the site's own files only; GeeTest's puzzle comes from its own hosts, and has inline styles.
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
    """The endpoint's input. The field redeems the proof, so a second use of it is refused."""

    proof = PhoneProofField(purpose=PURPOSE)


class Register(APIView):
    """Open an account for the proof's phone; a phone in the request is ignored."""

    # JSON only: a page of another site can post a form here, but JSON only if CORS headers allow it.
    parser_classes = [JSONParser]

    # In a transaction, so that an error below also undoes the redemption of the proof.
    @method_decorator(transaction.atomic)
    def post(self, request):
        registration = Registration(data=request.data)
        registration.is_valid(raise_exception=True)
        phone = registration.validated_data["proof"].phone
        user, created = get_user_model().objects.get_or_create(username=phone)
        return Response({"user": user.pk, "phone": phone, "created": created}, status=201 if created else 200)
