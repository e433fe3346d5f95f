"""Post one form and get one answer, or the fault that came between: at most one retry, and none once a byte left."""

from __future__ import annotations

import http.client
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import urlencode

import requests
from requests.adapters import BaseAdapter
from urllib3.exceptions import HTTPError

from django_ihuyi.client.deadline import Call
from django_ihuyi.client.outcomes import FAULTS, Fault
from django_ihuyi.client.probe import Way, probe
from django_ihuyi.client.resolver import Lookup
from django_ihuyi.client.transport import Session, Transport

MAX_BODY = 64 * 1024

#: All that a broken wire, or whatever sits at its other end, can make the layers below raise.
WIRE_ERRORS = (requests.RequestException, HTTPError, http.client.HTTPException, OSError, ValueError)

STATUS_FAULTS = {**dict.fromkeys((301, 302, 303, 307, 308), "redirect"), 429: "throttled"}

HEADERS = {
    "User-Agent": "django-ihuyi",
    "Accept": "*/*",
    # An answer of three fields needs no compression, and one that was compressed could unpack to anything.
    "Accept-Encoding": "identity",
    "Content-Type": "application/x-www-form-urlencoded",
}


def prepare(url: str) -> requests.PreparedRequest:
    """Make a POST that lacks only its form, once for all calls."""
    return requests.Request("POST", url, headers=HEADERS).prepare()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer with HTTP status 200."""

    body: bytes
    #: The header of that name, empty if there is none.
    date: str


_retry_judge: ContextVar[Callable[[], bool] | None] = ContextVar("django_ihuyi.client.retries", default=None)


@contextmanager
def retries_allowed_by(judge: Callable[[], bool]) -> Iterator[None]:
    """Ask `judge` before each second try that is made inside, where a call certainly did not leave."""
    token = _retry_judge.set(judge)
    try:
        yield
    finally:
        _retry_judge.reset(token)


class Exchange:
    """The connections of one client; to be shared by threads, made anew after a fork."""

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
        self._opened: tuple[int, Session] | None = None
        self._locks: dict[int, threading.Lock] = {}

    def post(self, prepared: requests.PreparedRequest, form: dict[str, str], *, deadline: float) -> Reply | Fault:
        """Post the form before the deadline (of the monotonic clock); return the reply, or the fault."""
        request = prepared.copy()
        request.body = urlencode(form).encode()
        request.headers["Content-Length"] = str(len(request.body))
        reply = self._attempt(request, deadline)
        if isinstance(reply, Fault) and reply.retried and monotonic() < deadline and _is_retry_allowed():
            return self._attempt(request, deadline)
        return reply

    def probe(self, url: str, *, clock: Callable[[], float]) -> Way | None:
        """Look at the way to an address; None where an adapter stands for it."""
        if self._adapter is not None:
            return None
        return probe(url, verify=self._verify, lookup=self._lookup, timeout=self._connect_timeout, clock=clock)

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        if self._opened is not None:
            self._opened[1].close()
            self._opened = None

    def _attempt(self, request: requests.PreparedRequest, deadline: float) -> Reply | Fault:
        call = Call(deadline=deadline, connect_timeout=self._connect_timeout)
        timeout: Any = call
        if self._adapter is not None:
            # A foreign adapter knows only requests' time-outs, and what it did before it failed is not known.
            timeout = (self._connect_timeout, max(deadline - monotonic(), 0.001))
            call.mark_sent()
        try:
            with self._session().send(request, timeout=timeout, stream=True, proxies={}) as response:
                return _read(response)
        except WIRE_ERRORS:
            return FAULTS[call.fault]

    def _session(self) -> Session:
        opened = self._opened
        if opened is not None and opened[0] == os.getpid():
            return opened[1]
        # A lock for each process: one that is held while another thread forks is never released in the child.
        with self._locks.setdefault(os.getpid(), threading.Lock()):
            return self._open()

    def _open(self) -> Session:
        # A connection that two processes write to is of use to neither: each makes its own.
        if self._opened is None or self._opened[0] != os.getpid():
            adapter = self._adapter or Transport(verify=self._verify, lookup=self._lookup)
            self._opened = (os.getpid(), Session(adapter))
        return self._opened[1]


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


def _is_retry_allowed() -> bool:
    judge = _retry_judge.get()
    return judge is None or judge()
