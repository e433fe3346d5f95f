"""Send a notice to every number of a file: `manage.py ihuyi_send_many FILE --batch NAME --template NAME`."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from time import monotonic
from types import FrameType
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import router
from django.utils.translation import gettext as _

from django_ihuyi.conf import settings
from django_ihuyi.delivery import bulk
from django_ihuyi.delivery.dispatchers.base import INLINE
from django_ihuyi.delivery.recovery import recover_when_due
from django_ihuyi.management.printing import PrintingCommand
from django_ihuyi.management.progress import Progress
from django_ihuyi.management.rows import read_rows
from django_ihuyi.models import Message, State

#: No more messages of a batch than this wait in the queue, so that none waits for the hour after which it is too old.
BACKLOG = 2000
#: Seconds between two lines, and between two looks at the queue.
TELL_EVERY, LOOK_EVERY = 2.0, 0.5
#: When nothing has moved for so many seconds, what waits is put into the queue again: a killed worker lost its tasks.
STALLED = 20.0


class Command(PrintingCommand):
    """Send a batch, and go on with it when it is started again; may be stopped, and killed, at any time."""

    help = "Send a notice to every number of a file, in the background if there is a queue. Start it again to go on."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("file", type=Path, metavar="FILE", help="CSV with a column `phone`, or .jsonl")
        parser.add_argument("--batch", required=True, metavar="NAME", help="the same name goes on with the same file")
        parser.add_argument("--template", required=True, help="a name in TEMPLATES")
        parser.add_argument("--channel", default="sms", help="the default: sms")
        parser.add_argument("--wait", action="store_true", help="end when the queue has no more of it")
        parser.add_argument(
            "--threads", type=int, metavar="N", help="rows at once; docs/reference/commands has the default"
        )
        parser.add_argument(
            "--rate", type=int, default=0, metavar="N", help="begin at most N rows a second; the default: no limit"
        )
        parser.add_argument("--encoding", default="utf-8-sig", help="the default: utf-8; gbk for some spreadsheets")
        parser.add_argument("--database", metavar="ALIAS", help="the default: where messages are written")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Send, and tell how far it is; exit with 1 if it was stopped, or a row became no message."""
        try:
            total = sum(1 for _row in read_rows(options["file"], encoding=options["encoding"]))
        except (OSError, LookupError, ValueError) as error:
            raise CommandError(f"{error}.") from error
        database = options["database"] or router.db_for_write(Message)
        self._progress = Progress(batch=options["batch"], total=total, using=database)
        self._progress.begin()
        self._told = monotonic()
        with stopped_by_signals() as self._stopped:
            try:
                self._send(**options)
            except ValueError as error:
                raise CommandError(f"{error}.") from error
            self._await(most=0 if options["wait"] else total)
        self._sum_up()

    def _send(self, *, file: Path, encoding: str, batch: str, threads: int | None, rate: int, **options: Any) -> None:
        chunks = bulk.send_in_chunks(
            read_rows(file, encoding=encoding),
            batch=batch,
            template=options["template"],
            channel=options["channel"],
            # To write rows one thread is faster than most platforms, and leaves the machine to the workers.
            threads=threads or (settings.PLATFORM_CONCURRENCY if settings.DISPATCHER == INLINE else 1),
            rate=rate,
            using=self._progress.using,
        )
        for results in chunks:
            for result in results:
                self._note(result, is_verbose=options["verbosity"] > 1)
            if shut_out := next((result.error for result in results if result.is_shut_out), None):
                self.say(f"{shut_out}.")
                self._stopped.set()
            self._await(most=BACKLOG)
            if self._stopped.is_set():
                return

    def _note(self, result: bulk.SendResult, *, is_verbose: bool) -> None:
        if result.error is None or result.is_shut_out:
            return
        reason = getattr(result.error, "code", "invalid")
        if result.message is None:
            self._progress.refused[reason] += 1
        if is_verbose:  # without the number: what is none may be anything
            self.say(_("row %(position)d: not sent. %(error)s.") % {"position": result.position, "error": result.error})

    def _await(self, *, most: int) -> None:
        """Wait until no more than so many messages are on their way, or somebody stops us; tell how far it is."""
        moved, done = monotonic(), -1
        while True:
            self._tell_when_due()
            if self._progress.open <= most or self._stopped.is_set():
                return
            recover_when_due(using=self._progress.using)
            if self._progress.done != done:
                moved, done = monotonic(), self._progress.done
            elif monotonic() - moved > STALLED:
                self.say(_("Nothing has moved for %(seconds)d seconds. Is a worker running?") % {"seconds": STALLED})
                bulk.enqueue_again(self._progress.batch, using=self._progress.using)
                moved = float("inf")
            self._stopped.wait(LOOK_EVERY)

    def _tell_when_due(self) -> None:
        self._progress.count()
        if monotonic() - self._told >= TELL_EVERY:
            self._told = monotonic()
            self.say(self._progress.tell())

    def _sum_up(self) -> None:
        progress = self._progress
        progress.count()
        self.say(progress.tell())
        for reason, count in progress.refused.most_common():
            self.say(f"  {reason}: {count}")
        if progress.states[State.QUEUED]:
            self.say(_("%(count)d wait in the queue, and leave without this command.") % {"count": progress.open})
        if self._stopped.is_set():
            self.say(_("Stopped. Start it again with the same file and --batch %(batch)s.") % {"batch": progress.batch})
        if self._stopped.is_set() or progress.sent + progress.open < progress.total:
            raise SystemExit(1)


@contextmanager
def stopped_by_signals() -> Iterator[Event]:
    """Let the first SIGINT or SIGTERM set an event; the second one does what it did before."""
    stopped = Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def stop(_number: int, _frame: FrameType | None) -> None:
        restore()
        stopped.set()

    for number in before:
        signal.signal(number, stop)
    try:
        yield stopped
    finally:
        restore()
