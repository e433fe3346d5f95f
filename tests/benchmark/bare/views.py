"""The least that a verification by SMS can do in Django REST framework; it guards nothing."""

import secrets

from rest_framework.response import Response
from rest_framework.views import APIView

from tests.benchmark.bare.models import Sent
from tests.benchmark.one_post import post


class Send(APIView):
    """One INSERT, one POST."""

    def post(self, request):
        code = f"{secrets.randbelow(10**6):06}"
        sent = Sent.objects.create(phone=request.data["phone"], code=code)
        post(sent.phone, f"您的验证码是：{code}。请不要把验证码泄露给其他人。")
        return Response({"id": sent.pk}, status=202)


class Verify(APIView):
    """One conditional UPDATE."""

    def post(self, request):
        fresh = Sent.objects.filter(pk=request.data["id"], code=request.data["code"], used=False)
        right = fresh.update(used=True)
        return Response({"right": bool(right)}, status=200 if right else 400)
