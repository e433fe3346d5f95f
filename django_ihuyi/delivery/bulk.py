"""Send one notice to many numbers, in batches that may be stopped, killed and started again, and send nothing twice.

A row of a batch and its message are written in one transaction, and (batch, position) is unique. A row is done if its
message left, may have left, waits in the queue, or was refused for its number or its text. Each run tries the other
rows: rows without a message, messages that certainly did not leave, and messages that the platform refused because of
the account, the clock or the pace.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from time import monotonic
from typing import Any

from django.db import router, transaction
from django.views.decorators.debug import sensitive_variables

from django_ihuyi import phones
from django_ihuyi.client.results import Scope, describe
from django_ihuyi.database import transactions
from django_ihuyi.database.threads import map_in_threads
from django_ihuyi.delivery.dispatch import dispatch, enqueue_many, permit_to_call
from django_ihuyi.delivery.dispatchers.base import MAX_HOLD
from django_ihuyi.delivery.notices import Notice, check_template, compose
from django_ihuyi.delivery.outcomes import raise_unless_sent
from django_ihuyi.delivery.queue import POLL_INTERVAL
from django_ihuyi.delivery.reservation import Write
from django_ihuyi.delivery.routing import Route, check_channel, choose_route
from django_ihuyi.delivery.worker import CHUNK_SIZE
from django_ihuyi.exceptions import BatchChanged, InvalidPhone, NotSent, SendingUnavailable
from django_ihuyi.models import Message, State, batches
from django_ihuyi.models.batches import BatchRow, RowTaken
from django_ihuyi.models.sql.claim import write_claimed


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A number, in any spelling, with the variables of its own message."""

    number: str = field(repr=False)
    variables: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """The result of a row: its message, or the error that prevented one. A failed retry also has the old message."""

    #: The position of the row in the input, from 1.
    position: int
    number: str = field(repr=False)
    message: Message | None = None
    error: Exception | None = field(default=None, repr=False)
    #: True if another run of the batch has done the row.
    is_known: bool = False

    @property
    def is_shut_out(self) -> bool:
        """Return True if the circuit breaker is open: no other row can leave either."""
        return isinstance(self.error, SendingUnavailable) and self.error.retry_after > MAX_HOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class SendManyResult:
    """The result of a batch: the messages that left or may have left, and the errors of the other rows."""

    sent: Sequence[Message]
    #: {the number as it was passed: the error that `send` would raise for it}
    not_sent: Mapping[str, Exception] = field(repr=False)
    #: The number of rows that an earlier call has done.
    known: int = 0


@sensitive_variables()
def send_many(
    numbers: Iterable[str | Row], *, template: str, batch: str = "", using: str | None = None, **notice: Any
) -> SendManyResult:
    """Send one notice to many phones, one message each; takes the arguments of `send`.

    A `Row` in place of a number has variables of its own. With the name of a `batch`, a repeated call with the same
    numbers continues where the first one stopped, and sends nothing twice. Raises BatchChanged if the numbers differ.
    """
    sent: list[Message] = []
    not_sent: dict[str, Exception] = {}
    known = 0
    for result in chain.from_iterable(send_in_chunks(numbers, template=template, batch=batch, using=using, **notice)):
        try:
            if result.is_known:
                known += 1
            elif result.error is not None:
                raise result.error
            elif result.message is not None:
                raise_unless_sent(result.message)
                sent.append(result.message)
        except (ValueError, NotSent) as error:  # noqa: PERF203 - each number has its own
            not_sent[result.number] = error
    return SendManyResult(sent=sent, not_sent=not_sent, known=known)


def send_in_chunks(
    rows: Iterable[str | Row],
    *,
    template: str,
    batch: str = "",
    variables: Iterable[str] = (),
    channel: str = "sms",
    client: str = "",
    threads: int = 1,
    rate: int = 0,
    using: str | None = None,
) -> Iterator[list[SendResult]]:
    """Send rows in chunks of up to a hundred; yield the results of each chunk. Nothing is done before the first `next`.

    With a queue the messages are enqueued; without one `threads` threads of this process call the platform. A row that
    may not be sent has an error, and the others are still sent. While the circuit breaker is open, each row has the
    error SendingUnavailable, and nothing is written for it. At most `rate` rows begin in a second (0: no limit).

    Raises UnknownTemplate, UnavailableChannel and BatchChanged, and ValueError for a batch whose name has more than 64
    characters, and for a negative rate.
    """
    check_template(template)
    check_channel(channel)
    if len(batch) > batches.LONGEST_NAME:
        raise ValueError(f"the name of a batch has at most {batches.LONGEST_NAME} characters")
    if rate < 0:
        raise ValueError(f"the rate is {rate}, but must be rows a second, or 0 for no limit")
    sender = _Sender(
        batch=batch,
        compose=partial(compose, template=template, channel=channel, client=client),
        pause=_Pacer(rate).pause if rate else lambda: None,
        using=using or router.db_for_write(Message),
    )
    common = tuple(variables)
    numbered = enumerate((Row(number=row, variables=common) if isinstance(row, str) else row for row in rows), start=1)
    # A chunk is enqueued as a whole: at 20 a second a hundred rows would reach the queue in bursts, five seconds apart.
    size = min(CHUNK_SIZE, rate or CHUNK_SIZE)
    while chunk := dict(islice(numbered, size)):
        yield sender.send(chunk, threads=threads)


def enqueue_again(batch: str, *, using: str) -> None:
    """Enqueue the queued messages of a batch again: a killed worker may have lost their tasks.

    A second task is harmless, because one worker takes a message once.
    """
    waiting = iter(BatchRow.objects.using(using).queued(batch))
    while messages := list(islice(waiting, CHUNK_SIZE)):
        enqueue_many(messages, using=using)


class _Pacer:
    """Lets at most `rate` rows begin in any second, over all threads of this process."""

    def __init__(self, rate: int) -> None:
        self._begun: deque[float] = deque(maxlen=rate)
        self._lock = threading.Lock()

    def pause(self) -> None:
        with self._lock:  # held during the sleep: the other threads must begin later than this one
            if len(self._begun) == self._begun.maxlen:
                time.sleep(max(0.0, self._begun[0] + 1 - monotonic()))
            self._begun.append(monotonic())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sender:
    """Sends the rows of one run."""

    #: The name of the batch; empty if the rows are not written down.
    batch: str
    compose: Callable[..., Notice]
    #: Called before each row.
    pause: Callable[[], None]
    using: str

    def send(self, chunk: dict[int, Row], *, threads: int) -> list[SendResult]:
        known = BatchRow.objects.using(self.using).at(self.batch, chunk) if self.batch else {}
        for position, message in sorted(known.items()):
            _check_same(chunk[position], message, position=position)
        results: list[SendResult] = []

        def send_one(item: tuple[int, Row]) -> None:
            position, row = item
            results.append(self._send_one(row, position=position, before=known.get(position)))

        try:
            map_in_threads(chunk.items(), send_one, threads=threads, using=self.using)
        finally:
            # Also the messages of an earlier run, which may have been killed before it enqueued them.
            queued = [result.message for result in results if result.message and result.message.state == State.QUEUED]
            if queued:
                transactions.after_commit(partial(enqueue_many, queued, using=self.using), using=self.using)
        return sorted(results, key=lambda result: result.position)

    def _send_one(self, row: Row, *, position: int, before: Message | None) -> SendResult:
        if before and _is_done(before):
            return SendResult(position=position, number=row.number, message=before, is_known=True)
        write = partial(self._write, position=position, before=before) if self.batch else write_claimed
        try:
            message = self._reserve_and_call(row, write=write)
        except RowTaken:  # another run of the batch has just written this row
            return SendResult(position=position, number=row.number, is_known=True)
        except (NotSent, ValueError) as error:
            return SendResult(position=position, number=row.number, message=before, error=error)
        return SendResult(position=position, number=row.number, message=message)

    def _reserve_and_call(self, row: Row, *, write: Write) -> Message:
        notice = self.compose(row.number, variables=row.variables)
        self.pause()
        route = choose_route(notice.phone)
        with ExitStack() as stack:
            _enter_permit(stack, notice.channel, route=route)
            asked_at = monotonic()
            message = notice.reserve(route=route, using=self.using, write=write)
            if route is not Route.QUEUE:  # queued messages are enqueued together, at the end of the chunk
                dispatch(message, route=route, using=self.using, asked_at=asked_at)
        return message

    def _write(self, message: Message, *, using: str, position: int, before: Message | None) -> None:
        with transaction.atomic(using=using):
            write_claimed(message, using=using)
            BatchRow.objects.using(using).assign(self.batch, position, message=message, instead_of=before)


def _enter_permit(stack: ExitStack, channel: str, *, route: Route) -> None:
    """Enter a permit; wait for a slot without limit. Raises SendingUnavailable while the circuit breaker is open."""
    while True:
        try:
            stack.enter_context(permit_to_call(channel, route=route))
            return
        except SendingUnavailable as refusal:
            if refusal.retry_after > MAX_HOLD:
                raise
        time.sleep(POLL_INTERVAL)


def _is_done(message: Message) -> bool:
    """Return True if the row of this message need not be tried again."""
    if message.state != State.REFUSED:
        return message.state != State.UNSENT
    # Without a result code, a proxy has throttled the call (HTTP 429), which says nothing about the row.
    return message.result_code is not None and describe(message.result_code, message.channel).scope is Scope.MESSAGE


def _check_same(row: Row, message: Message, *, position: int) -> None:
    try:
        is_same = message.recipient.fingerprint in phones.fingerprints(phones.parse(row.number))
    except InvalidPhone:
        is_same = False
    if not is_same:
        raise BatchChanged(f"row {position} went to another number: give other rows the name of another batch")
