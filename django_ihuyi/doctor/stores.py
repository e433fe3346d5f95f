"""The databases, which enforce the limits, and the cache, which counts requests."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings as django_settings
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_ihuyi.conf import settings
from django_ihuyi.database.clock import read_clock
from django_ihuyi.doctor.diagnoses import Diagnosis, fail, ok, warn
from django_ihuyi.models import Message, Recipient, Verification

#: The allowed difference between the database's clock and this machine's.
TOLERANCE = timedelta(seconds=30)
#: Caches that processes do not share, and caches that lose counts when two processes count at once.
PRIVATE, INEXACT = (LocMemCache, DummyCache), (FileBasedCache, DatabaseCache)


def our_databases() -> list[BaseDatabaseWrapper]:
    """Return the databases that the tables of this app are written to."""
    aliases = {router.db_for_write(model) for model in (Recipient, Verification, Message)}
    return [connections[alias] for alias in sorted(aliases)]


def examine_database(connection: BaseDatabaseWrapper) -> Iterator[Diagnosis]:
    """Connect to a database, check its tables, and compare its clock with this machine's."""
    subject = f"database {connection.alias}"
    try:
        connection.ensure_connection()
        missing, skew = _count_missing(connection), _measure_skew(connection)
    except Exception as error:  # noqa: BLE001 - each database library raises its own exceptions
        # The text of the exception may contain the address and the password.
        text = _("The database does not answer (%(error)s).") % {"error": type(error).__name__}
        yield fail(subject, text, _("Without it nothing is sent or verified: check DATABASES and the server."))
        return
    yield _judge_tables(subject, missing, name=connection.display_name)
    yield judge_database_clock(subject, skew)


def judge_database_clock(subject: str, skew: timedelta) -> Diagnosis:
    """Judge the difference between a database's clock and this machine's."""
    figures = {"seconds": round(skew.total_seconds()), "tolerance": TOLERANCE.total_seconds()}
    text = _("Its clock differs from this machine's by %(seconds)+d seconds; %(tolerance)d are allowed.") % figures
    if abs(skew) <= TOLERANCE:
        return ok(subject, text)
    advice = _("Lifetimes and limits are correct: only the database's clock counts. Synchronize both clocks by NTP.")
    return warn(subject, text, advice)


def examine_cache() -> Diagnosis:
    """Count in the cache, and judge whether all processes count together."""
    alias = getattr(django_settings, "RATELIMIT_USE_CACHE", "default")
    subject = f"cache {alias}"
    if not any([*settings.CLIENT_LIMITS.values(), *settings.GLOBAL_LIMITS.values()]):
        return ok(subject, _("No limit is counted in this cache."))
    try:
        cache = caches[alias]
        counts = _count_to(3, cache) == 3
    except Exception as error:  # noqa: BLE001 - each cache library raises its own exceptions
        text = _("The cache does not answer (%(error)s).") % {"error": type(error).__name__}
        advice = _("Until it does, sends are counted in the database, and guesses per client are not limited.")
        return fail(subject, text, advice)
    return _judge_cache(cache, counts=counts, subject=subject)


def _count_missing(connection: BaseDatabaseWrapper) -> int:
    executor = MigrationExecutor(connection)
    leaves = executor.loader.graph.leaf_nodes("ihuyi")
    return sum(migration.app_label == "ihuyi" for migration, _backwards in executor.migration_plan(leaves))


def _measure_skew(connection: BaseDatabaseWrapper) -> timedelta:
    now = read_clock(connection)
    here = timezone.now()
    return now - (here if timezone.is_aware(now) else timezone.make_naive(here))


def _judge_tables(subject: str, missing: int, *, name: str) -> Diagnosis:
    if not missing:
        return ok(subject, _("%(database)s answers, and the tables of ihuyi are up to date.") % {"database": name})
    text = ngettext(
        "%(count)d migration of ihuyi is not applied.", "%(count)d migrations of ihuyi are not applied.", missing
    ) % {"count": missing}
    return fail(subject, text, _("Run manage.py migrate."))


def _count_to(number: int, cache: BaseCache) -> int:
    # A key of its own, so that two doctors at the same time do not count together.
    key = f"ihuyi.doctor.{secrets.token_hex(8)}"
    try:
        cache.add(key, 0, timeout=60)
        return [cache.incr(key) for _ in range(number)][-1]
    except ValueError:  # the key that was just added is missing: the cache stores nothing
        return 0
    finally:
        cache.delete(key)


def _judge_cache(cache: BaseCache, *, counts: bool, subject: str) -> Diagnosis:
    name = {"cache": type(cache).__name__}
    advice = _("Use Redis or memcached for CLIENT_LIMITS and GLOBAL_LIMITS.")
    if not counts:
        return fail(subject, _("%(cache)s stores nothing: limits per client have no effect.") % name, advice)
    if isinstance(cache, PRIVATE):
        return warn(subject, _("%(cache)s counts separately in each process.") % name, advice)
    if isinstance(cache, INEXACT):
        text = _("%(cache)s counts for all processes, but loses simultaneous counts.") % name
        return warn(subject, text, advice)
    return ok(subject, _("%(cache)s counts for all processes together.") % name)
