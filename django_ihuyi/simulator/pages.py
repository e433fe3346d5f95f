"""The pages and switches for people and tests, as a WSGI app that can be mounted below any address."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from django_ihuyi.simulator.account_orders import show_account
from django_ihuyi.simulator.addresses import is_loopback
from django_ihuyi.simulator.answers import JSON_TYPE
from django_ihuyi.simulator.faults import FAULTS
from django_ihuyi.simulator.orders import SWITCHES
from django_ihuyi.simulator.simulator import Simulator
from django_ihuyi.simulator.wsgi import TAKE_SCRIPT, Response, TooLargeError, read_body, refuse, respond

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["PagesApp"]

STATIC = Path(__file__).parent / "static"
#: Where each static file is shown, and as what.
FILES = {
    "/": ("phones.html", "text/html; charset=utf-8"),
    "/static/phones.css": ("phones.css", "text/css; charset=utf-8"),
    "/static/phones.js": ("phones.js", "text/javascript; charset=utf-8"),
    "/static/words.js": ("words.js", "text/javascript; charset=utf-8"),
    "/static/icon.svg": ("icon.svg", "image/svg+xml"),
}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

Page = Callable[["WSGIEnvironment"], Response]


class PagesApp:
    """Show phones, journal and switches; all links are relative.

    The pages show codes: a client on another machine gets 404, unless `remote` is set. `max_wait` is for how many
    seconds a request for news may occupy a thread of the server.
    """

    def __init__(self, simulator: Simulator, *, remote: bool = False, max_wait: float = 0) -> None:
        self._simulator = simulator
        self._is_remote_allowed = remote
        self._max_wait = max_wait
        self._pages: dict[str, Page] = {
            "/accounts": self._list_accounts,
            "/blacklist": self._list_blacklist,
            "/faults": _list_faults,
            "/journal": self._list_journal,
            "/messages": self._list_messages,
            "/pushes": self._list_pushes,
            "/threads": self._list_changes,
            **dict.fromkeys(FILES, _send_file),
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return respond(start_response, self._respond(environ))

    def _respond(self, environ: WSGIEnvironment) -> Response:
        path, verb = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        if not (self._is_remote_allowed or is_local(environ)):
            return refuse(HTTPStatus.NOT_FOUND)
        if not path:
            return refuse(HTTPStatus.MOVED_PERMANENTLY, Location=f"{environ.get('SCRIPT_NAME', '')}/")
        if verb == "GET" and path in self._pages:
            return self._pages[path](environ)
        if verb == "POST" and path in SWITCHES:
            return self._switch(environ, path)
        is_page = path in self._pages or path in SWITCHES
        return refuse(HTTPStatus.METHOD_NOT_ALLOWED if is_page else HTTPStatus.NOT_FOUND)

    def _switch(self, environ: WSGIEnvironment, path: str) -> Response:
        try:
            body = read_body(environ)
            data = json.loads(body) if body else None
            _check_socket(data, environ)
            return _send_json(SWITCHES[path](self._simulator, data))
        except TooLargeError:
            return refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except (ValueError, RecursionError) as error:
            return _send_json({"error": str(error)}, HTTPStatus.BAD_REQUEST)

    def _list_messages(self, environ: WSGIEnvironment) -> Response:
        return _send_json([message.as_json() for message in self._simulator.messages(_query(environ, "mobile"))])

    def _list_changes(self, environ: WSGIEnvironment) -> Response:
        since, wait = (_seconds(_query(environ, name)) for name in ("since", "wait"))
        epoch = _query(environ, "epoch") or ""
        changes = self._simulator.changes(int(since), epoch=epoch, wait=min(wait, self._max_wait))
        return _send_json({**changes.as_json(), "max_wait": self._max_wait})

    def _list_journal(self, environ: WSGIEnvironment) -> Response:
        codes = self._simulator.count_codes()
        requests = [entry.as_json() for entry in self._simulator.journal(_query(environ, "mobile"))]
        return _send_json({"total": sum(codes.values()), "codes": codes, "requests": requests})

    def _list_accounts(self, _environ: WSGIEnvironment) -> Response:
        return _send_json([show_account(account, left) for account, left in self._simulator.customers.accounts()])

    def _list_blacklist(self, _environ: WSGIEnvironment) -> Response:
        listed = self._simulator.customers.blacklist()
        return _send_json([{"account": account.account, "mobile": mobile} for account, mobile in listed])

    def _list_pushes(self, _environ: WSGIEnvironment) -> Response:
        return _send_json([push.as_json() for push in self._simulator.pushes.list()])


def is_local(environ: WSGIEnvironment) -> bool:
    """Tell whether the client sits on this machine, not behind a proxy, and no foreign web page speaks for it."""
    is_proxied = "HTTP_X_FORWARDED_FOR" in environ or "HTTP_FORWARDED" in environ
    is_foreign = environ.get("HTTP_SEC_FETCH_SITE") == "cross-site" and environ["REQUEST_METHOD"] != "GET"
    return not is_proxied and not is_foreign and is_loopback(environ.get("REMOTE_ADDR", ""))


def _check_socket(data: object, environ: WSGIEnvironment) -> None:
    # A fault that nobody will ever see must not seem to be in force.
    fault = FAULTS.get(str(data.get("fault"))) if isinstance(data, dict) else None
    if fault and fault.needs_socket and TAKE_SCRIPT not in environ:
        raise ValueError(f"{fault.name} needs a connection: serve the simulator with its own server")


def _query(environ: WSGIEnvironment, name: str) -> str | None:
    values = parse_qs(environ.get("QUERY_STRING", "")).get(name)
    return values[-1] if values else None


def _seconds(value: str | None) -> float:
    return float(value) if value and value.isascii() and value.isdigit() and len(value) < 16 else 0.0


def _send_json(value: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    return Response(status=status, content_type=JSON_TYPE, body=body, headers=HEADERS)


def _list_faults(_environ: WSGIEnvironment) -> Response:
    rows = [{"fault": fault.name, "meaning": fault.meaning, "socket": fault.needs_socket} for fault in FAULTS.values()]
    return _send_json(rows)


def _send_file(environ: WSGIEnvironment) -> Response:
    name, content_type = FILES[environ["PATH_INFO"]]
    return Response(content_type=content_type, body=(STATIC / name).read_bytes(), headers=HEADERS)
