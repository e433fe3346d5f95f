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
IHUYI_CLIENT_LIMITS     off: no limits per client address and in all, and no budgets, for load tests
IHUYI_WEBHOOK_SECRET    takes receipts and replies at /webhooks/receipts/<secret>/ and /webhooks/replies/<secret>/;
                        several divided by commas while one takes the other's place
IHUYI_CAPTCHA           image, geetest, proof_of_work or off; without it image, if django-simple-captcha is installed
                        and the client limits are on
IHUYI_GEETEST_ID,
IHUYI_GEETEST_KEY       GeeTest's captcha_id and captcha_key
IHUYI_DISPATCHER        inline; tasks: a queue in the database, worked by `manage.py db_worker`; celery: a queue in
                        REDIS_URL, worked by `celery -A example_project worker`
IHUYI_DISPATCH_FALLBACK inline, or refuse: what happens while the queue is down
IHUYI_PLATFORM_CONCURRENCY
                        calls of the platform that one process may have under way; without it 2, half of four threads
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
        raise ImproperlyConfigured(f"{name} is on or off (1 or 0), not {word!r}.")
    return word in {"1", "on", "true", "yes"}


def choice(name, *, choices):
    word = os.environ.get(name, "").lower() or choices[0]
    if word not in choices:
        raise ImproperlyConfigured(f"{name} may be {' or '.join(choices)} in this version, not {word!r}.")
    return word


def number(name, *, default):
    word = os.environ.get(name) or str(default)
    if not (word.isascii() and word.isdigit()):
        raise ImproperlyConfigured(f"{name} is a whole number, not {word!r}.")
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
# Whether it is used or not, so that its table is there when it is.
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

# The development server starts a thread for each request, which would keep its connection for nobody.
DATABASES = {
    "default": databases.from_url(
        os.environ.get("DATABASE_URL") or f"sqlite:///{(BASE_DIR / 'db.sqlite3').as_posix()}",
        conn_max_age=0 if DEBUG else 600,
    ),
}

# A PostgreSQL server that is frozen cannot keep its own time-outs.
connection_created.connect(end_waits)

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
    "filters": {"masked": {"()": "django_ihuyi.masking.MaskingFilter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["masked"]}},
    "loggers": {"django": {"handlers": ["console"], "level": "INFO" if DEBUG else "ERROR", "propagate": False}},
    "root": {"handlers": ["console"], "level": "INFO" if DEBUG else "WARNING"},
}
# Of numbers, codes and keys neither the page of DEBUG nor a mail about an error has more than their names.
DEFAULT_EXCEPTION_REPORTER = "django_ihuyi.masking.MaskingReporter"

CLIENT_LIMITS = switch("IHUYI_CLIENT_LIMITS", default=True)
# A captcha counts by client, too: who has switched the limits off for a load test does not want to be asked.
picture_first = ["image", "off"] if CLIENT_LIMITS else ["off", "image"]
captcha = choice("IHUYI_CAPTCHA", choices=[*(picture_first if HAS_PICTURES else ["off"]), "geetest", "proof_of_work"])
DISPATCHER = choice("IHUYI_DISPATCHER", choices=["inline", "tasks", "celery"])

if DISPATCHER != "inline" and not account:
    # The messages go to the simulator in the worker, and the phones are shown by the one in the site.
    warnings.warn(
        f"IHUYI_DISPATCHER is {DISPATCHER}: serve a simulator for all, and name it in IHUYI_URL.", stacklevel=1
    )
if DISPATCHER == "tasks":
    INSTALLED_APPS += ["django_tasks_db"] if django.VERSION >= (6, 0) else ["django_tasks", "django_tasks_db"]
    TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
if DISPATCHER == "celery":
    if not redis_url:
        raise ImproperlyConfigured("IHUYI_DISPATCHER is celery, whose queue is in REDIS_URL: set that, too.")
    # Makes it the app that tasks are sent by, in every process of the site.
    importlib.import_module("example_project.celery")
    CELERY_BROKER_URL = redis_url
    # Who asks for a code shall not wait for a queue that hangs.
    CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 0.25, "socket_connect_timeout": 0.25, "max_retries": 0}
    CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
    # A code is worth sending for 30 seconds: no worker shall keep one while another has nothing to do.
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

# Who asks for the first code does it without a captcha. A site under attack asks for one always: {"*": "always"}.
CAPTCHA = {"BACKEND": captcha, "RULES": {"*": {"after_client": 3, "after_number": 1}}}
if captcha == "geetest":
    CAPTCHA["OPTIONS"] = {
        "captcha_id": os.environ.get("IHUYI_GEETEST_ID", ""),
        "captcha_key": os.environ.get("IHUYI_GEETEST_KEY", ""),
    }
    if not all(CAPTCHA["OPTIONS"].values()):
        raise ImproperlyConfigured("IHUYI_GEETEST_ID and IHUYI_GEETEST_KEY are needed for GeeTest's captcha.")

# In this order: a budget may ask for a captcha.
BUDGETS, CAPTCHAS = "django_ihuyi.guards.budgets.BudgetGuard", "django_ihuyi.guards.captcha.CaptchaGuard"
IHUYI = {
    "CHANNELS": {"sms": SMS_CHANNEL},
    "GUARDS": [*([BUDGETS] if CLIENT_LIMITS else []), *([] if captcha == "off" else [CAPTCHAS])],
    "CAPTCHA": {} if captcha == "off" else CAPTCHA,
    "ALLOW_LOOPBACK": switch("IHUYI_ALLOW_LOOPBACK", default=False),
    "DISPATCHER": DISPATCHER,
    "DISPATCH_FALLBACK": choice("IHUYI_DISPATCH_FALLBACK", choices=["inline", "refuse"]),
    # Half of the threads of a process (wsgi.py): while the platform hangs, the others serve the rest of the site.
    "PLATFORM_CONCURRENCY": number("IHUYI_PLATFORM_CONCURRENCY", default=2),
    "WEBHOOK_SECRETS": [secret for secret in os.environ.get("IHUYI_WEBHOOK_SECRET", "").split(",") if secret],
}
if not CLIENT_LIMITS:
    IHUYI |= {"CLIENT_LIMITS": {}, "GLOBAL_LIMITS": {}}
