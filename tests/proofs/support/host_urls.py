"""A host's own views, which take a code and a proof, beside the routes of the suite."""

from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from rest_framework.response import Response
from rest_framework.views import APIView

from django_ihuyi.api.permissions import HasPhoneProof
from django_ihuyi.verification import verify_code
from tests import urls


class Register(APIView):
    permission_classes = [HasPhoneProof]
    phone_proof_purpose = "login"

    def post(self, request):
        return Response({"purpose": request.phone_proof.purpose})


@csrf_exempt
def take_code(request):
    """As our documentation shows it to a host whose reports mask."""
    verification_id, code = request.POST["verification_id"], request.POST["code"]
    return HttpResponse(verify_code(verification_id, code).outcome.value)


#: As it shows it to all others.
take_code_marked = csrf_exempt(sensitive_post_parameters("code")(sensitive_variables()(take_code)))

urlpatterns = [
    *urls.urlpatterns,
    path("register/", Register.as_view()),
    path("code/", take_code),
    path("marked-code/", take_code_marked),
]
