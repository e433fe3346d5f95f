"""The simulator as a WSGI app: the platform's addresses, and the pages for people and tests below `/_simulator/`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

from django_ihuyi.simulator.answers import render
from django_ihuyi.simulator.attempt import Call
from django_ihuyi.simulator.forms import parse_form, parse_urlencoded
from django_ihuyi.simulator.pages import PagesApp
from django_ihuyi.simulator.products import Action, Endpoint, find_endpoint
from django_ihuyi.simulator.simulator import Simulator
from django_ihuyi.simulator.wsgi import Response, TooLargeError, read_body, refuse, respond

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PAGES = "/_simulator"
ACTIONS = {action.value: action for action in Action}


class SimulatorApp:
    """Serve a simulator over WSGI."""

    def __init__(self, simulator: Simulator, *, remote_pages: bool = False) -> None:
        self.simulator = simulator
        self.pages = PagesApp(simulator, remote=remote_pages)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == PAGES or path.startswith(f"{PAGES}/"):
            return self.pages(_shift(environ), start_response)
        try:
            response = self._answer(environ, path)
        except TooLargeError:
            response = refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return respond(start_response, response)

    def _answer(self, environ: WSGIEnvironment, path: str) -> Response:
        verb = environ["REQUEST_METHOD"]
        endpoint = find_endpoint(environ.get("HTTP_HOST", "").partition(":")[0].lower(), path)
        if endpoint is None:
            self.simulator.note_stray(verb=verb, path=path)
            return refuse(HTTPStatus.NOT_FOUND)
        if verb not in ("GET", "POST"):
            self.simulator.note_stray(verb=verb, path=path)
            return refuse(HTTPStatus.METHOD_NOT_ALLOWED, Allow="GET, POST")
        return self._call(environ, endpoint)

    def _call(self, environ: WSGIEnvironment, endpoint: Endpoint) -> Response:
        call = _read_call(environ, endpoint)
        answer = self.simulator.answer(call)
        if self.simulator.latency:
            time.sleep(self.simulator.latency)
        as_json = endpoint.always_json or call.form.get("format", "").lower() == "json"
        content_type, body = render(answer, as_json=as_json)
        # The dynamic password lives by the platform's clock, which the header shows.
        date = formatdate(self.simulator.clock(), usegmt=True)
        return Response(content_type=content_type, body=body, headers={"Date": date})


def _read_call(environ: WSGIEnvironment, endpoint: Endpoint) -> Call:
    query = environ.get("QUERY_STRING", "")
    return Call(
        product=endpoint.product,
        action=endpoint.action or ACTIONS.get(parse_urlencoded(query).get("method", "")),
        form=parse_form(query, environ.get("CONTENT_TYPE", ""), read_body(environ)),
        peer=environ.get("REMOTE_ADDR", ""),
        verb=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", ""),
    )


def _shift(environ: WSGIEnvironment) -> WSGIEnvironment:
    path = environ["PATH_INFO"]
    return {**environ, "SCRIPT_NAME": environ.get("SCRIPT_NAME", "") + PAGES, "PATH_INFO": path[len(PAGES) :]}
