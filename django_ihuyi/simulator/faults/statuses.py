"""Answers with a status, a body or an encoding that the platform never sends."""

from __future__ import annotations

import functools
import gzip
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

from django_ihuyi.simulator.faults.base import Fault, Usual
from django_ihuyi.simulator.wsgi import Response

HTML = "text/html; charset=utf-8"
PAGE = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"
RETRY_AFTER = "120"
#: Target of redirects. It answers 404, and the journal shows the clients that followed.
ELSEWHERE = "/redirected"
#: One byte more than the client of `django_ihuyi` reads.
TOO_LONG = 65_537
BOMB = 50_000_000


def fail(status: HTTPStatus, **headers: str) -> Callable[[Usual], Response]:
    """Answer with an error page as proxies send it."""
    page = PAGE.format(f"{status.value} {status.phrase}").encode()
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _usual: Response(status=status, content_type=HTML, body=page, headers=headers)


def answer_nothing(status: HTTPStatus) -> Callable[[Usual], Response]:
    """Answer with an empty body."""
    return lambda usual: replace(usual.response, status=status, body=b"")


def answer_html(usual: Usual) -> Response:
    """Answer with the login page of a captive portal."""
    page = "<!doctype html><title>Welcome</title><p>Please log in to use this network.</p>"
    return replace(usual.response, content_type=HTML, body=page.encode())


def pad(usual: Usual) -> Response:
    """Pad a valid answer with blanks to more than a client needs to read."""
    return replace(usual.response, body=usual.response.body.ljust(TOO_LONG))


def compress(usual: Usual) -> Response:
    """Compress the answer although the client did not ask for it."""
    return _encoded(usual, "gzip", gzip.compress(usual.response.body))


def bomb(usual: Usual) -> Response:
    """Send few bytes that decompress to 50 MB."""
    return _encoded(usual, "gzip", _bomb())


def claim_brotli(usual: Usual) -> Response:
    """Announce Brotli, but send the plain answer."""
    return _encoded(usual, "br", usual.response.body)


@functools.cache
def _bomb() -> bytes:
    return gzip.compress(b" " * BOMB)


def _encoded(usual: Usual, encoding: str, body: bytes) -> Response:
    return replace(usual.response, body=body, headers={**usual.response.headers, "Content-Encoding": encoding})


STATUS_FAULTS = (
    *(
        Fault(name=f"http_{status}", meaning=f"a page with status {status}", spoil=fail(HTTPStatus(status), **headers))
        for status, headers in (
            (429, {"Retry_After": RETRY_AFTER}),
            (500, {}),
            (502, {}),
            (503, {"Retry_After": RETRY_AFTER}),
            (504, {}),
            *((status, {"Location": ELSEWHERE}) for status in (301, 302, 303, 307, 308)),
        )
    ),
    Fault(name="http_204", meaning="status 204, no body", spoil=answer_nothing(HTTPStatus.NO_CONTENT)),
    Fault(name="empty", meaning="status 200, empty body", spoil=answer_nothing(HTTPStatus.OK)),
    Fault(name="html", meaning="status 200, a page of a captive portal", spoil=answer_html),
    Fault(name="oversize", meaning="a good answer, padded to 65,537 bytes", spoil=pad),
    Fault(name="gzip", meaning="a good answer, compressed without request", spoil=compress),
    Fault(name="gzip_bomb", meaning="50,000,000 blanks, compressed without request", spoil=bomb),
    Fault(name="brotli", meaning="Content-Encoding: br, but the body is not compressed", spoil=claim_brotli),
)
