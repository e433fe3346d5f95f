"""The views behave the same in any host, whatever its REST_FRAMEWORK says and whatever it has not installed."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

#: A host without users, sessions or rest_framework in INSTALLED_APPS, whose defaults would all break an open JSON API.
HOST = """
import json, sys
import django
from django.conf import settings
from django.urls import include, path

settings.configure(
    SECRET_KEY="a-host-of-the-tests-0123456789-abcdefghijklmnopqrstuv",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="__main__",
    INSTALLED_APPS=["django_ihuyi"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "ATOMIC_REQUESTS": True}},
    IHUYI={"CHANNELS": {"sms": {"BACKEND": "django_ihuyi.backends.locmem.LocmemBackend"}}},
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "UNAUTHENTICATED_USER": None,
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.BrowsableAPIRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.FormParser"],
        "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
        "DEFAULT_VERSION": "1", "ALLOWED_VERSIONS": ["2"],
        "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.AnonRateThrottle"],
        "DEFAULT_THROTTLE_RATES": {"anon": "0/day"},
        "EXCEPTION_HANDLER": "nowhere.to_be_found",
    },
)
django.setup()
urlpatterns = [path("", include("django_ihuyi.urls"))]

from django.core.management import call_command
from django.test import Client
from django_ihuyi.backends.locmem import outbox

call_command("migrate", verbosity=0)
client = Client()
issued = client.post("/send-code/", {"phone": "13800138000", "purpose": "login"}, "application/json")
guess = {"verification_id": issued.json()["verification_id"], "code": outbox[0].code}
answers = [
    issued,
    client.get(f"/verifications/{issued.json()['verification_id']}/", {"format": "html"}),
    client.post("/verify-code/", guess, "application/json"),
    client.post("/verify-code/", {}, "application/json", HTTP_ACCEPT_LANGUAGE="zh-CN"),
]
json.dump([[answer.status_code, answer["Content-Type"], answer.json().get("title")] for answer in answers], sys.stdout)
"""


def test_a_host_with_other_defaults_and_without_users_gets_the_same_api():
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    ran = subprocess.run([sys.executable, "-c", HOST], env=environment, capture_output=True, text=True, check=False)

    assert ran.stderr == ""
    assert json.loads(ran.stdout) == [
        [202, "application/json", None],
        [200, "application/json", None],
        [200, "application/json", None],
        [400, "application/problem+json", "请求无效"],
    ]
