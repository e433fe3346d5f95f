"""All that a process tells while something fails: logs, mails, pages, values, tracebacks, output and warnings."""

import contextlib
import io
import logging
import pickle
import sys
import traceback
import warnings

from celery.result import EagerResult
from django.core.signals import got_request_exception
from django.db import connection
from django.test import RequestFactory, override_settings
from django.utils.log import AdminEmailHandler
from django.views.debug import technical_500_response

from django_ihuyi.masking import MaskingFilter

LOGGERS = ("", "django", "django.request", "django.db.backends", "urllib3", "requests", "django_ihuyi")
#: A host that has read our documentation, and one that has not.
MASKING, PLAIN = "django_ihuyi.masking.MaskingReporter", "django.views.debug.ExceptionReporter"


class KeptMails(AdminEmailHandler):
    """Django's handler, whose mails go nowhere."""

    def __init__(self, told, **options):
        super().__init__(**options)
        self.setLevel(logging.ERROR)
        self.told = told

    def send_mail(self, subject, message, *args, html_message=None, **kwargs):
        self.told.append((f"mail by {self.reporter_class.__name__}", f"{subject}\n{message}\n{html_message}"))


class Ears:
    """Hears what is told: [(where, text)]."""

    def __init__(self):
        self.told = []
        self.plain = False
        self.log, self.plain_log = (logging.StreamHandler(io.StringIO()) for _ in range(2))
        self.mails, self.plain_mails = (
            KeptMails(self.told),
            KeptMails(self.told, include_html=True, reporter_class=PLAIN),
        )
        for handler in (self.log, self.mails):
            handler.addFilter(MaskingFilter())
        # What the database layer logs on DEBUG are statements with all that they carry.
        self.plain_log.addFilter(lambda record: record.name != "django.db.backends")

    @contextlib.contextmanager
    def listening(self, *, plain):
        """Listen until the end of the block, as a plain host that has none of our masks, or as one that has them."""
        self.plain = plain
        handlers = [self.plain_log, self.plain_mails] if plain else [self.log, self.mails]
        out, connection.force_debug_cursor = io.StringIO(), True
        got_request_exception.connect(self._take)
        try:
            with (
                logging_to(handlers),
                warnings.catch_warnings(record=True) as warned,
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(out),
            ):
                warnings.simplefilter("always")
                yield self
        finally:
            connection.force_debug_cursor = False
            got_request_exception.disconnect(self._take)
        self.told += [("warning", str(warning.message)) for warning in warned]
        self.told += [("output", out.getvalue())]
        for name, handler in (("log", self.log), ("plain log", self.plain_log)):
            self.told.append((name, handler.stream.getvalue()))
            handler.setStream(io.StringIO())

    def take(self):
        """Return what was heard, and begin anew."""
        told, self.told[:] = list(self.told), []
        return told

    def hear(self, act, failing):
        """Let something fail, and take what its caller gets."""
        try:
            with failing:
                answer = act()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - of whatever kind
            self._raised(error)
        else:
            if isinstance(answer, EagerResult):
                # What a result backend keeps, and what monitors show.
                self.told.append(("task", f"{answer!r} {answer.result!r} {answer.traceback}"))
            elif getattr(answer, "status_code", 200) >= 400:
                self.told.append(("answer", f"{answer.content.decode()} {answer.headers}"))

    def _take(self, request, **_):
        self._report(request, sys.exc_info())

    def _raised(self, error):
        # A host logs it, and asks what it is; a queue keeps it.
        request = RequestFactory().get("/")
        exc_info = (type(error), error, error.__traceback__)
        logging.getLogger("django.request").error("failed", exc_info=exc_info, extra={"request": request})
        self._report(request, exc_info)

    def _report(self, request, exc_info):
        error = exc_info[1]
        if self.plain:
            self.told.append(("values", f"{error!r} {error}"))
            self.told.append(("traceback", "".join(traceback.format_exception(*exc_info))))
            with contextlib.suppress(Exception):
                self.told.append(("pickle", repr(pickle.dumps(error))))
            return
        with override_settings(DEBUG=True, DEFAULT_EXCEPTION_REPORTER=MASKING):
            self.told.append(("page", technical_500_response(request, *exc_info).content.decode()))


@contextlib.contextmanager
def logging_to(handlers):
    root = logging.getLogger()
    before, root.handlers = root.handlers, handlers
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    try:
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.DEBUG)
        yield
    finally:
        root.handlers = before
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
