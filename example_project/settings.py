"""Settings of the example site. Settings that differ between deployments come from environment variables.

DATABASE_URL            postgres://…, mysql://… or sqlite:///…; without it an SQLite file beside this one
REDIS_URL               redis://…; without it each process counts the limits per client address on its own
SECRET_KEY              needed unless DEBUG is on
DEBUG                   1 or 0; without it on, unless an account is given
ALLOWED_HOSTS           names separated by commas; without it this machine only
TRUSTED_PROXY_COUNT     reverse proxies in front of the site that append to X-Forwarded-For; without it 0
IHUYI_ACCOUNT,
IHUYI_API_KEY           the platform's APIID and APIKEY; without them the simulator, inside this process
IHUYI_URL               another address of the platform's SMS product
IHUYI_ALLOW_LOOPBACK    1: IHUYI_URL may be plain http on this machine (a simulator)
IHUYI_CLIENT_LIMITS     off: no limits per client address and for all requests, and no budgets, for load tests
IHUYI_WEBHOOK_SECRET    accepts receipts and replies at /webhooks/receipts/<secret>/ and /webhooks/replies/<secret>/;
                        several, separated by commas, while one replaces another
IHUYI_CAPTCHA           image, geetest, proof_of_work or off; without it image, if django-simple-captcha is installed
                        and the client limits are on
IHUYI_GEETEST_ID,
IHUYI_GEETEST_KEY       GeeTest's captcha_id and captcha_key
IHUYI_DISPATCHER        inline; tasks: a queue in the database, for `manage.py db_worker`; celery: a queue in
                        REDIS_URL, for `celery -A example_project worker`
IHUYI_DISPATCH_FALLBACK while the queue is down: inline, or refuse
IHUYI_PLATFORM_CONCURRENCY
                        parallel calls of the platform in one process; without it 2, half of four threads
"""

import importlib
import os
import warnings
from importlib.util import find_spec
from pathlib import Path

import django
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.signals import connection_created

from django_ihuyi.database.postgresql import end_waits
from example_project import databases

BASE_DIR = Path(__file__).resolve().parent


def switch(name, *, default):
    word = os.environ.get(name, "").lower() or ("1" if default else "0")
    if word not in {"1", "0", "on", "off", "true", "false", "yes", "no"}:
        raise ImproperlyConfigured(f"{name} is {word!r}: set it to on or off (1 or 0).")
    return word in {"1", "on", "true", "yes"}


def choice(name, *, choices):
    word = os.environ.get(name, "").lower() or choices[0]
    if word not in choices:
        raise ImproperlyConfigured(f"{name} is {word!r}: set it to {' or '.join(choices)}.")
    return word


def number(name, *, default):
    word = os.environ.get(name) or str(default)
    if not (word.isascii() and word.isdigit()):
        raise ImproperlyConfigured(f"{name} is {word!r}: set it to a whole number.")
    return int(word)


account = os.environ.get("IHUYI_ACCOUNT", "")
api_key = os.environ.get("IHUYI_API_KEY", "")
if bool(account) != bool(api_key):
    raise ImproperlyConfigured("IHUYI_ACCOUNT and IHUYI_API_KEY belong together: set both, or none for the simulator.")

DEBUG = switch("DEBUG", default=not account)
SECRET_KEY = os.environ.get("SECRET_KEY", "")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured("SECRET_KEY is needed when DEBUG is off: codes and proofs are made with it.")
    # A constant, so that all processes agree and a restart invalidates nothing; for development only.
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
# Installed whether it is used or not, so that `migrate` creates its table.
if HAS_PICTURES := bool(find_spec("captcha") and find_spec("captcha.models")):
    INSTALLED_APPS.append("captcha")
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

# The development server starts a thread for each request: a kept connection would never be used again.
DATABASES = {
    "default": databases.from_url(
        os.environ.get("DATABASE_URL") or f"sqlite:///{(BASE_DIR / 'db.sqlite3').as_posix()}",
        conn_max_age=0 if DEBUG else 600,
    ),
}

# A PostgreSQL server that is frozen cannot enforce its own time-outs.
connection_created.connect(end_waits)

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if redis_url := os.environ.get("REDIS_URL"):
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": redis_url,
        # A cache that hangs delays a request, and does not fail it.
        "OPTIONS": {"socket_timeout": 0.25, "socket_connect_timeout": 0.25},
    }

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

STATIC_URL = "/static/"
# Serves the files of the installed apps without collectstatic.
WHITENOISE_USE_FINDERS = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"masked": {"()": "django_ihuyi.masking.MaskingFilter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["masked"]}},
    "loggers": {"django": {"handlers": ["console"], "level": "INFO" if DEBUG else "ERROR", "propagate": False}},
    "root": {"handlers": ["console"], "level": "INFO" if DEBUG else "WARNING"},
}
# Masks numbers, codes and keys on the error page of DEBUG and in mails about errors.
DEFAULT_EXCEPTION_REPORTER = "django_ihuyi.masking.MaskingReporter"

CLIENT_LIMITS = switch("IHUYI_CLIENT_LIMITS", default=True)
# The captcha's rules count by client too, so a load test without client limits gets none.
picture_first = ["image", "off"] if CLIENT_LIMITS else ["off", "image"]
captcha = choice("IHUYI_CAPTCHA", choices=[*(picture_first if HAS_PICTURES else ["off"]), "geetest", "proof_of_work"])
DISPATCHER = choice("IHUYI_DISPATCHER", choices=["inline", "tasks", "celery"])

if DISPATCHER != "inline" and not account:
    # The worker sends to the simulator in its own process; the site shows the messages of another one.
    warnings.warn(
        f"IHUYI_DISPATCHER is {DISPATCHER}: run one simulator for all processes, and set IHUYI_URL to it.", stacklevel=1
    )
if DISPATCHER == "tasks":
    INSTALLED_APPS += ["django_tasks_db"] if django.VERSION >= (6, 0) else ["django_tasks", "django_tasks_db"]
    TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
if DISPATCHER == "celery":
    if not redis_url:
        raise ImproperlyConfigured("IHUYI_DISPATCHER is celery, whose queue is in REDIS_URL: set REDIS_URL too.")
    # The import makes its app Celery's current one in every process of the site.
    importlib.import_module("example_project.celery")
    CELERY_BROKER_URL = redis_url
    # A request for a code must not wait for a queue that hangs.
    CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 0.25, "socket_connect_timeout": 0.25, "max_retries": 0}
    CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
    # A code is sent within 30 seconds or never: a busy worker must not hold one while another worker is idle.
    CELERY_WORKER_PREFETCH_MULTIPLIER = 1
    CELERY_WORKER_HIJACK_ROOT_LOGGER = False

if account:
    SMS_CHANNEL = {
        "BACKEND": "django_ihuyi.backends.ihuyi.IhuyiBackend",
        "OPTIONS": {"account": account, "api_key": api_key},
    }
    if url := os.environ.get("IHUYI_URL"):
        SMS_CHANNEL["OPTIONS"]["url"] = url
else:
    SMS_CHANNEL = {"BACKEND": "django_ihuyi.backends.simulator.SimulatorBackend"}

# The first code needs no captcha. A site under attack asks for one always: {"*": "always"}.
CAPTCHA = {"BACKEND": captcha, "RULES": {"*": {"after_client": 3, "after_number": 1}}}
if captcha == "geetest":
    CAPTCHA["OPTIONS"] = {
        "captcha_id": os.environ.get("IHUYI_GEETEST_ID", ""),
        "captcha_key": os.environ.get("IHUYI_GEETEST_KEY", ""),
    }
    if not all(CAPTCHA["OPTIONS"].values()):
        raise ImproperlyConfigured("IHUYI_GEETEST_ID and IHUYI_GEETEST_KEY are needed for GeeTest's captcha.")

# In this order, because a budget may ask for a captcha.
BUDGETS, CAPTCHAS = "django_ihuyi.guards.budgets.BudgetGuard", "django_ihuyi.guards.captcha.CaptchaGuard"
IHUYI = {
    "CHANNELS": {"sms": SMS_CHANNEL},
    "GUARDS": [*([BUDGETS] if CLIENT_LIMITS else []), *([] if captcha == "off" else [CAPTCHAS])],
    "CAPTCHA": {} if captcha == "off" else CAPTCHA,
    "ALLOW_LOOPBACK": switch("IHUYI_ALLOW_LOOPBACK", default=False),
    "DISPATCHER": DISPATCHER,
    "DISPATCH_FALLBACK": choice("IHUYI_DISPATCH_FALLBACK", choices=["inline", "refuse"]),
    # Half of the threads of a process (wsgi.py): while the platform hangs, the other half serves the site.
    "PLATFORM_CONCURRENCY": number("IHUYI_PLATFORM_CONCURRENCY", default=2),
    "TRUSTED_PROXY_COUNT": number("TRUSTED_PROXY_COUNT", default=0),
    "WEBHOOK_SECRETS": [secret for secret in os.environ.get("IHUYI_WEBHOOK_SECRET", "").split(",") if secret],
}
if not CLIENT_LIMITS:
    IHUYI |= {"CLIENT_LIMITS": {}, "GLOBAL_LIMITS": {}}
