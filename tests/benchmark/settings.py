"""The example site's settings with all three contestants in one site: same middleware, same database, same workers."""

import os

from example_project import databases
from example_project.settings import *  # noqa: F403
from example_project.settings import DATABASES, INSTALLED_APPS

INSTALLED_APPS += ["tests.benchmark.bare", "phone_verify"]
ROOT_URLCONF = "tests.benchmark.urls"

# The one with many rows; only the program that measures knows both.
if url := os.environ.get("BENCHMARK_BIG_DATABASE_URL"):
    DATABASES["big"] = databases.from_url(url)

PHONE_VERIFICATION = {
    "BACKEND": "tests.benchmark.phone_verify_backend.PlatformBackend",
    "OPTIONS": {},
    "TOKEN_LENGTH": 6,
    "MESSAGE": "您的验证码是：{security_code}。请不要把验证码泄露给其他人。",
    "APP_NAME": "benchmark",
    "SECURITY_CODE_EXPIRATION_SECONDS": 600,
    "VERIFY_SECURITY_CODE_ONLY_ONCE": True,
}
PHONENUMBER_DEFAULT_REGION = "CN"

#: Where the bare view and django-phone-verify send to; ours has it in IHUYI["CHANNELS"].
PLATFORM_URL = os.environ["IHUYI_URL"]
