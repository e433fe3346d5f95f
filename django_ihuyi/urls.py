"""URLs of the REST API for a host to include: `path("api/phone/", include("django_ihuyi.urls"))`."""

from __future__ import annotations

from django.urls import path

from django_ihuyi.api.views import (
    CaptchaFileView,
    CaptchaView,
    SendCodeView,
    VerificationByHeaderView,
    VerificationView,
    VerifyCodeView,
)

app_name = "ihuyi"
urlpatterns = [
    path("send-code/", SendCodeView.as_view(), name="send-code"),
    path("verify-code/", VerifyCodeView.as_view(), name="verify-code"),
    path("verifications/", VerificationByHeaderView.as_view(), name="verification"),
    path("verifications/<str:verification_id>/", VerificationView.as_view(), name="verification"),
    path("captcha/", CaptchaView.as_view(), name="captcha"),
    path("captcha/<str:file>/<str:challenge_id>/", CaptchaFileView.as_view(), name="captcha-file"),
]
