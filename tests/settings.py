"""The settings that the suite runs with; DATABASE_URL, REDIS_URL and USE_TZ choose what it runs on."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from django.db.backends.signals import connection_created

from django_ihuyi.database.postgresql import end_waits
from example_project import databases

SECRET_KEY = "the-tests-only-secret-key-0123456789-abcdefghijklmnop"
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = os.environ.get("USE_TZ", "1") == "1"
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
ROOT_URLCONF = "tests.urls"
STATIC_URL = "/static/"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "captcha",
    "drf_spectacular",
    "django_ihuyi",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

IHUYI = {
    "CHANNELS": {"sms": {"BACKEND": "django_ihuyi.backends.locmem.LocmemBackend"}},
}

REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}
SPECTACULAR_SETTINGS = {"TITLE": "django_ihuyi", "DESCRIPTION": "Verify phone numbers by SMS.", "VERSION": "1"}

# Every process has its own place, so that runs beside each other never meet.
WORKPLACE = Path(tempfile.mkdtemp(prefix="django-ihuyi-tests-"))
atexit.register(shutil.rmtree, WORKPLACE, ignore_errors=True)

# A file, not memory: races between processes and threads need one.
DATABASE_URL = os.environ.get("DATABASE_URL") or f"sqlite:///{(WORKPLACE / 'db.sqlite3').as_posix()}"
DATABASES = {"default": databases.from_url(DATABASE_URL)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["TEST"] = {"NAME": str(WORKPLACE / "test.sqlite3")}
# The suite makes tables and empties them, for which a busy machine needs longer than a site should wait.
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    DATABASES["default"]["OPTIONS"]["options"] = "-c statement_timeout=30000 -c lock_timeout=3000"
if DATABASES["default"]["ENGINE"] == "django.db.backends.mysql":
    DATABASES["default"]["OPTIONS"]["read_timeout"] = 30
connection_created.connect(end_waits)

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if REDIS_URL := os.environ.get("REDIS_URL"):
    # Each worker of pytest-xdist empties its own database of the server, not its neighbour's.
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        # In the path of the address, which would win over an option of that name.
        "LOCATION": urlsplit(REDIS_URL)._replace(path=f"/{worker}").geturl(),
        "OPTIONS": {"socket_timeout": 10, "socket_connect_timeout": 10},
    }
