"""The pages and switches for people and tests, as a WSGI app that can be mounted below any address."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from django_ihuyi.simulator.answers import JSON_TYPE
from django_ihuyi.simulator.inbox_page import render_inbox
from django_ihuyi.simulator.orders import read_order
from django_ihuyi.simulator.simulator import Simulator
from django_ihuyi.simulator.wsgi import Response, TooLargeError, read_body, refuse, respond

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

STATIC = Path(__file__).parent / "static"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

Page = Callable[["WSGIEnvironment"], Response]


class PagesApp:
    """Show messages and journal, force answers, reset; all links are relative.

    The pages show codes: a client on another machine gets 404, unless `remote` is set.
    """

    def __init__(self, simulator: Simulator, *, remote: bool = False) -> None:
        self._simulator = simulator
        self._is_remote_allowed = remote
        self._pages: dict[tuple[str, str], Page] = {
            ("GET", "/"): self._show_inbox,
            ("GET", "/messages"): self._list_messages,
            ("GET", "/journal"): self._list_journal,
            ("GET", "/static/simulator.css"): _send_stylesheet,
            ("POST", "/answers"): self._force_answer,
            ("POST", "/reset"): self._reset,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return respond(start_response, self._respond(environ))

    def _respond(self, environ: WSGIEnvironment) -> Response:
        path = environ.get("PATH_INFO", "")
        if not (self._is_remote_allowed or is_local(environ)):
            return refuse(HTTPStatus.NOT_FOUND)
        if not path:
            return refuse(HTTPStatus.MOVED_PERMANENTLY, Location=f"{environ.get('SCRIPT_NAME', '')}/")
        page = self._pages.get((environ["REQUEST_METHOD"], path))
        if page is None:
            return refuse(self._explain(path))
        try:
            return page(environ)
        except TooLargeError:
            return refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

    def _explain(self, path: str) -> HTTPStatus:
        is_page = any(path == page for _, page in self._pages)
        return HTTPStatus.METHOD_NOT_ALLOWED if is_page else HTTPStatus.NOT_FOUND

    def _show_inbox(self, environ: WSGIEnvironment) -> Response:
        page = render_inbox(self._simulator.messages(_mobile(environ)))
        return Response(content_type="text/html; charset=utf-8", body=page.encode(), headers=HEADERS)

    def _list_messages(self, environ: WSGIEnvironment) -> Response:
        return _send_json([message.as_json() for message in self._simulator.messages(_mobile(environ))])

    def _list_journal(self, environ: WSGIEnvironment) -> Response:
        codes = self._simulator.count_codes()
        requests = [entry.as_json() for entry in self._simulator.journal(_mobile(environ))]
        return _send_json({"total": sum(codes.values()), "codes": codes, "requests": requests})

    def _force_answer(self, environ: WSGIEnvironment) -> Response:
        try:
            order = read_order(json.loads(read_body(environ)))
        except (ValueError, RecursionError):
            return refuse(HTTPStatus.BAD_REQUEST)
        self._simulator.force(order.code, mobile=order.mobile, text=order.text, times=order.times)
        return _send_json({})

    def _reset(self, _environ: WSGIEnvironment) -> Response:
        self._simulator.reset()
        return _send_json({})


def is_local(environ: WSGIEnvironment) -> bool:
    """Tell whether the client sits on this machine, not behind a proxy, and no foreign web page speaks for it."""
    is_proxied = "HTTP_X_FORWARDED_FOR" in environ or "HTTP_FORWARDED" in environ
    is_foreign = environ.get("HTTP_SEC_FETCH_SITE") == "cross-site" and environ["REQUEST_METHOD"] != "GET"
    return not is_proxied and not is_foreign and _is_loopback(environ.get("REMOTE_ADDR", ""))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _mobile(environ: WSGIEnvironment) -> str | None:
    values = parse_qs(environ.get("QUERY_STRING", "")).get("mobile")
    return values[-1] if values else None


def _send_json(value: object) -> Response:
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    return Response(content_type=JSON_TYPE, body=body, headers=HEADERS)


def _send_stylesheet(_environ: WSGIEnvironment) -> Response:
    body = (STATIC / "simulator.css").read_bytes()
    return Response(content_type="text/css; charset=utf-8", body=body, headers=HEADERS)
