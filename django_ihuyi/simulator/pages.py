"""The pages and switches for people and tests, as a WSGI app that can be mounted below any path."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

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
#: Path: name and Content-Type of each static file.
FILES = {
    "/": ("phones.html", "text/html; charset=utf-8"),
    "/static/phones.css": ("phones.css", "text/css; charset=utf-8"),
    "/static/phones.js": ("phones.js", "text/javascript; charset=utf-8"),
    "/static/words.js": ("words.js", "text/javascript; charset=utf-8"),
    "/static/icon.svg": ("icon.svg", "image/svg+xml"),
}
#: The page shows texts that come from outside, so the browser must run only our own script.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

#: Makes the JSON of a page from the parameters of its query.
Page = Callable[[Mapping[str, str]], object]


class PagesApp:
    """Serves the phone page, the journal and the switches; all links are relative.

    The pages show codes, so a client on another machine gets 404 unless `remote` is set. `max_wait` is the longest time
    in seconds that a request for new messages may occupy a thread of the server.
    """

    def __init__(self, simulator: Simulator, *, remote: bool = False, max_wait: float = 0) -> None:
        self._simulator = simulator
        self._is_remote_allowed = remote
        self._max_wait = max_wait
        self._pages: Mapping[str, Page] = {
            "/accounts": lambda _query: [show_account(account) for account in simulator.customers.accounts()],
            "/blacklist": lambda _query: [
                {"account": account.account, "mobile": mobile} for account, mobile in simulator.customers.blacklist()
            ],
            "/faults": lambda _query: [
                {"fault": fault.name, "meaning": fault.meaning, "socket": fault.needs_socket}
                for fault in FAULTS.values()
            ],
            "/journal": self._list_journal,
            "/messages": lambda query: [message.as_json() for message in simulator.messages(query.get("mobile"))],
            "/pushes": lambda _query: [push.as_json() for push in simulator.pushes.list()],
            "/threads": self._list_changes,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return respond(start_response, self.answer(environ))

    def answer(self, environ: WSGIEnvironment) -> Response:
        """Return the response to a request, given as WSGI gives it."""
        path, verb = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        if not (self._is_remote_allowed or is_local(environ)):
            return refuse(HTTPStatus.NOT_FOUND)
        if not path:
            # The links are relative, so the page must end in a slash.
            return refuse(HTTPStatus.MOVED_PERMANENTLY, Location=f"{environ.get('SCRIPT_NAME', '')}/")
        if verb == "GET" and path in FILES:
            name, content_type = FILES[path]
            return Response(content_type=content_type, body=(STATIC / name).read_bytes(), headers=HEADERS)
        if verb == "GET" and path in self._pages:
            return _send_json(self._pages[path](dict(parse_qsl(environ.get("QUERY_STRING", "")))))
        if verb == "POST" and path in SWITCHES:
            return self._switch(environ, path)
        is_page = path in FILES or path in self._pages or path in SWITCHES
        return refuse(HTTPStatus.METHOD_NOT_ALLOWED if is_page else HTTPStatus.NOT_FOUND)

    def _switch(self, environ: WSGIEnvironment, path: str) -> Response:
        try:
            body = read_body(environ)
            data = json.loads(body) if body else None
            # A fault that this server can never show must not be accepted.
            fault = FAULTS.get(str(data.get("fault"))) if isinstance(data, dict) else None
            if fault and fault.needs_socket and TAKE_SCRIPT not in environ:
                raise ValueError(f"{fault.name} needs a connection: serve the simulator with its own server")
            return _send_json(SWITCHES[path](self._simulator, data) or {})
        except TooLargeError:
            return refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except (ValueError, RecursionError) as error:  # json.loads raises the latter for deep nesting
            return _send_json({"error": str(error)}, HTTPStatus.BAD_REQUEST)

    def _list_changes(self, query: Mapping[str, str]) -> object:
        since, wait = (
            float(value) if value.isascii() and value.isdigit() and len(value) < 16 else 0.0
            for value in (query.get("since", ""), query.get("wait", ""))
        )
        wait = min(wait, self._max_wait)
        changes = self._simulator.changes(int(since), epoch=query.get("epoch", ""), wait=wait)
        return {**changes.as_json(), "max_wait": self._max_wait}

    def _list_journal(self, query: Mapping[str, str]) -> object:
        codes = self._simulator.count_codes()
        requests = [entry.as_json() for entry in self._simulator.journal(query.get("mobile"))]
        return {"total": sum(codes.values()), "codes": codes, "requests": requests}


def is_local(environ: WSGIEnvironment) -> bool:
    """Return True if the client is on this machine, behind no proxy, and no foreign web page made the request."""
    is_proxied = "HTTP_X_FORWARDED_FOR" in environ or "HTTP_FORWARDED" in environ
    # Browsers send this header, and pages cannot forge it. GET changes nothing, so a link from elsewhere is harmless.
    is_foreign = environ.get("HTTP_SEC_FETCH_SITE") == "cross-site" and environ["REQUEST_METHOD"] != "GET"
    return not is_proxied and not is_foreign and is_loopback(environ.get("REMOTE_ADDR", ""))


def _send_json(value: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    # A lone surrogate in a posted JSON string cannot be encoded, and must not break the page.
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    return Response(status=status, content_type=JSON_TYPE, body=body, headers=HEADERS)
