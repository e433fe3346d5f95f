"""Post one form and get one answer or one fault: at most one retry, and never after a byte may have left."""

from __future__ import annotations

import http.client
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Any
from urllib.parse import urlencode

import requests
from requests.adapters import BaseAdapter
from urllib3.exceptions import HTTPError

from django_ihuyi.client.connections import Call
from django_ihuyi.client.outcomes import FAULTS, Fault
from django_ihuyi.client.resolver import Lookup
from django_ihuyi.client.transport import Transport
from django_ihuyi.logs import get_logger

# The name is promised: LOGGING of the hosts may hold it.
_clock_logger = get_logger("django_ihuyi.client.skew")

MAX_BODY = 64 * 1024

#: All that a broken connection, or an unknown server at its other end, can make the layers below raise.
WIRE_ERRORS = (requests.RequestException, HTTPError, http.client.HTTPException, OSError, ValueError)

# A redirect is never followed: a 307 would carry the password to another host. It is no acceptance either.
STATUS_FAULTS = {**dict.fromkeys((301, 302, 303, 307, 308), "redirect"), 429: "throttled"}

HEADERS = {
    "User-Agent": "django-ihuyi",
    "Accept": "*/*",
    # An answer of three fields needs no compression, and a compressed one could unpack to any size.
    "Accept-Encoding": "identity",
    # The platform parses no body of another type, and answers 401 (the account is empty).
    "Content-Type": "application/x-www-form-urlencoded",
}

#: Seconds that the two clocks may differ by without a correction.
TOLERANCE = 30
#: Unix times that a clock can show, the years 2020 to 2100: one that was never set shows 1970.
PLAUSIBLE = range(1_577_836_800, 4_102_444_800)

#: The one form in which servers write dates (RFC 9110, section 5.6.7).
_DATE = re.compile(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT")


def prepare(url: str) -> requests.PreparedRequest:
    """Return a POST that lacks only its form. One serves all calls, because to build it is slow."""
    return requests.Request("POST", url, headers=HEADERS).prepare()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer with HTTP status 200."""

    body: bytes
    #: The header of that name, empty if there is none.
    date: str


_retry_judge: ContextVar[Callable[[], bool]] = ContextVar("django_ihuyi.client.retries", default=lambda: True)


@contextmanager
def retries_allowed_by(judge: Callable[[], bool]) -> Iterator[None]:
    """Allow a retry inside the block only if `judge` returns True."""
    token = _retry_judge.set(judge)
    try:
        yield
    finally:
        _retry_judge.reset(token)


class Exchange:
    """The connections of one client. Threads may share it, and a forked process opens its own."""

    def __init__(
        self,
        *,
        connect_timeout: float,
        verify: bool | str = True,
        lookup: Lookup = socket.getaddrinfo,
        adapter: BaseAdapter | None = None,
    ) -> None:
        self._connect_timeout = connect_timeout
        self._verify = verify
        self._lookup = lookup
        self._adapter = adapter
        self._opened: tuple[int, BaseAdapter] | None = None
        self._locks: dict[int, threading.Lock] = {}

    def post(self, prepared: requests.PreparedRequest, form: dict[str, str], *, deadline: float) -> Reply | Fault:
        """Post the form before the deadline (of the monotonic clock); return the reply, or the fault."""
        request = prepared.copy()
        request.body = urlencode(form).encode()
        # The prepared request has the length of an empty body.
        request.headers["Content-Length"] = str(len(request.body))
        reply = self._attempt(request, deadline)
        if isinstance(reply, Fault) and reply.retried and monotonic() < deadline and _retry_judge.get()():
            return self._attempt(request, deadline)
        return reply

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        if self._opened is not None:
            self._opened[1].close()
            self._opened = None

    def _attempt(self, request: requests.PreparedRequest, deadline: float) -> Reply | Fault:
        call = Call(deadline=deadline, connect_timeout=self._connect_timeout)
        timeout: Any = call
        if self._adapter is not None:
            # A foreign adapter knows only requests' time-outs. If it fails, it may have sent the request before.
            timeout = (self._connect_timeout, max(deadline - monotonic(), 0.001))
            call.mark_sent()
        try:
            # The adapter alone, no requests.Session: that reads proxies, .netrc and CA bundles from the surroundings,
            # keeps cookies, and follows redirects.
            adapter = self._get_adapter()
            with adapter.send(request, stream=True, timeout=timeout, verify=True, cert=None, proxies={}) as response:
                return _read(response)
        except WIRE_ERRORS:
            return FAULTS[call.fault]

    def _get_adapter(self) -> BaseAdapter:
        # Two processes must not write to one connection, so each process opens its own.
        pid = os.getpid()
        opened = self._opened
        if opened is not None and opened[0] == pid:
            return opened[1]
        # A lock for each process: one that another thread holds during a fork is never released in the child.
        with self._locks.setdefault(pid, threading.Lock()):
            opened = self._opened
            if opened is None or opened[0] != pid:
                adapter = self._adapter or Transport(verify=self._verify, lookup=self._lookup)
                self._opened = opened = (pid, adapter)
            return opened[1]


def _read(response: requests.Response) -> Reply | Fault:
    if response.status_code != 200:
        return FAULTS[STATUS_FAULTS.get(response.status_code, "http_status")]
    body = b""
    # To the end, so that an answer that was cut short is noticed.
    while chunk := response.raw.read(MAX_BODY + 1 - len(body), decode_content=False):
        body += chunk
        if len(body) > MAX_BODY:
            return FAULTS["answer_too_large"]
    return Reply(body=body, date=response.headers.get("Date", ""))


class PlatformClock:
    """A clock that learns the platform's time from its answers. Threads may share it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._offset = 0
        self._lock = threading.Lock()

    def now(self) -> int:
        """Return the platform's Unix time, as far as it is known."""
        return int(self._clock()) + self._offset

    def learn(self, date: str, *, told: int) -> bool:
        """Learn from the `Date` of an answer that refused the time `told`; return True if a retry may help."""
        platform_time = read_date(date)
        if platform_time is None or abs(platform_time - told) <= TOLERANCE:
            return False
        with self._lock:
            offset = platform_time - int(self._clock())
            # Other threads may have learned the same meanwhile.
            is_news = abs(offset - self._offset) > TOLERANCE
            if is_news:
                self._offset = offset
        if is_news:
            _clock_logger.warning(
                "The platform's clock differs from this machine's by %+d seconds, and the platform refused a dynamic "
                "password for that (40501). Passwords now carry the platform's time. Set this machine's clock right.",
                offset,
            )
        return True


def read_date(date: str) -> int | None:
    """Return a `Date` header as Unix time, or None if it is missing, malformed or implausible."""
    if not _DATE.fullmatch(date):
        return None
    try:
        seconds = int(parsedate_to_datetime(date).timestamp())
    except ValueError:
        return None
    return seconds if seconds in PLAUSIBLE else None
