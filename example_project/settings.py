"""Settings of the example site; everything that differs between deployments comes from the environment.

DATABASE_URL            postgres://…, mysql://… or sqlite:///…; without it a file beside this one
REDIS_URL               redis://…; without it each process counts the limits per client address for itself
SECRET_KEY              needed unless DEBUG is on
DEBUG                   1 or 0; without it on, unless an account is given
ALLOWED_HOSTS           names divided by commas; without it this machine only
IHUYI_ACCOUNT,
IHUYI_API_KEY           the platform's APIID and APIKEY; without them the simulator, inside this process
IHUYI_URL               another address of the platform's SMS product
IHUYI_ALLOW_LOOPBACK    1: that address may be plain http on this machine (a simulator)
IHUYI_CLIENT_LIMITS     off: no limits per client address and in all, for load tests
IHUYI_WEBHOOK_SECRET    not used yet: receipts and replies are not taken by this version
IHUYI_CAPTCHA           off
IHUYI_DISPATCHER        inline
"""

import os
import warnings
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from example_project import databases

BASE_DIR = Path(__file__).resolve().parent


def switch(name, *, default):
    word = os.environ.get(name, "").lower() or ("1" if default else "0")
    if word not in {"1", "0", "on", "off", "true", "false", "yes", "no"}:
        raise ImproperlyConfigured(f"{name} is on or off (1 or 0), not {word!r}.")
    return word in {"1", "on", "true", "yes"}


def choice(name, *, choices):
    word = os.environ.get(name, "").lower() or choices[0]
    if word not in choices:
        raise ImproperlyConfigured(f"{name} may be {' or '.join(choices)} in this version, not {word!r}.")
    return word


account = os.environ.get("IHUYI_ACCOUNT", "")
api_key = os.environ.get("IHUYI_API_KEY", "")
if bool(account) != bool(api_key):
    raise ImproperlyConfigured("IHUYI_ACCOUNT and IHUYI_API_KEY belong together: set both, or none for the simulator.")

DEBUG = switch("DEBUG", default=not account)
SECRET_KEY = os.environ.get("SECRET_KEY", "")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured("SECRET_KEY is needed when DEBUG is off: codes and proofs are made with it.")
    # The same in every process and after every start; good for nothing but development.
    SECRET_KEY = "django-insecure-example-for-development-only-0123456789abcdef"
ALLOWED_HOSTS = (os.environ.get("ALLOWED_HOSTS") or "localhost,127.0.0.1,[::1]").split(",")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_ihuyi",
    "example_project",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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
ROOT_URLCONF = "example_project.urls"
WSGI_APPLICATION = "example_project.wsgi.application"

# The development server starts a thread for each request, which would keep its connection for nobody.
DATABASES = {
    "default": databases.from_url(
        os.environ.get("DATABASE_URL") or f"sqlite:///{(BASE_DIR / 'db.sqlite3').as_posix()}",
        conn_max_age=0 if DEBUG else 600,
    ),
}

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if redis_url := os.environ.get("REDIS_URL"):
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": redis_url,
        # A cache that hangs may cost a request a moment, not its answer.
        "OPTIONS": {"socket_timeout": 0.25, "socket_connect_timeout": 0.25},
    }

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

STATIC_URL = "/static/"
# Serves the files of the installed apps as they are, without collectstatic.
WHITENOISE_USE_FINDERS = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"django": {"handlers": ["console"], "level": "INFO" if DEBUG else "ERROR", "propagate": False}},
    "root": {"handlers": ["console"], "level": "INFO" if DEBUG else "WARNING"},
}

choice("IHUYI_CAPTCHA", choices=["off"])
choice("IHUYI_DISPATCHER", choices=["inline"])
if os.environ.get("IHUYI_WEBHOOK_SECRET"):
    # Codes are sent and verified all the same, so this is no reason not to start.
    warnings.warn("IHUYI_WEBHOOK_SECRET is set, but this version takes no receipts and replies yet.", stacklevel=1)

if account:
    SMS_CHANNEL = {
        "BACKEND": "django_ihuyi.backends.ihuyi.IhuyiBackend",
        "OPTIONS": {"account": account, "api_key": api_key},
    }
    if url := os.environ.get("IHUYI_URL"):
        SMS_CHANNEL["OPTIONS"]["url"] = url
else:
    SMS_CHANNEL = {"BACKEND": "django_ihuyi.backends.simulator.SimulatorBackend"}

IHUYI = {
    "CHANNELS": {"sms": SMS_CHANNEL},
    "ALLOW_LOOPBACK": switch("IHUYI_ALLOW_LOOPBACK", default=False),
}
if not switch("IHUYI_CLIENT_LIMITS", default=True):
    IHUYI |= {"CLIENT_LIMITS": {}, "GLOBAL_LIMITS": {}}
