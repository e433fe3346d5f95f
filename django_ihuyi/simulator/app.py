"""The simulator as a WSGI app: the platform's addresses, and the pages for people and tests below `/_simulator/`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

from django_ihuyi.simulator.answers import Answer, render
from django_ihuyi.simulator.attempt import Call
from django_ihuyi.simulator.faults import FAULTS, FaultOrder, Usual
from django_ihuyi.simulator.forms import parse_form, parse_urlencoded
from django_ihuyi.simulator.pages import PagesApp
from django_ihuyi.simulator.products import Action, Endpoint, find_endpoints
from django_ihuyi.simulator.simulator import Simulator
from django_ihuyi.simulator.wsgi import TAKE_SCRIPT, Response, TooLargeError, read_body, refuse, respond

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PAGES = "/_simulator"
ACTIONS = {action.value: action for action in Action}


class SimulatorApp:
    """Serve a simulator over WSGI."""

    def __init__(self, simulator: Simulator, *, remote_pages: bool = False, max_wait: float = 0) -> None:
        self.simulator = simulator
        self.pages = PagesApp(simulator, remote=remote_pages, max_wait=max_wait)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == PAGES or path.startswith(f"{PAGES}/"):
            return self.pages(_shift(environ), start_response)
        try:
            response = self._answer(environ, path)
        except TooLargeError:
            response = refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if response.script:
            environ[TAKE_SCRIPT](response.script)
        return respond(start_response, response)

    def _answer(self, environ: WSGIEnvironment, path: str) -> Response:
        verb = environ["REQUEST_METHOD"]
        host = environ.get("HTTP_HOST") or environ.get("SERVER_NAME", "")
        endpoints = find_endpoints(host.partition(":")[0].lower(), path)
        if not endpoints:
            self.simulator.note_stray(verb=verb, path=path)
            return refuse(HTTPStatus.NOT_FOUND)
        if verb not in ("GET", "POST"):
            self.simulator.note_stray(verb=verb, path=path)
            return refuse(HTTPStatus.METHOD_NOT_ALLOWED, Allow="GET, POST")
        query = parse_urlencoded(environ.get("QUERY_STRING", ""))
        form = parse_form(query, environ.get("CONTENT_TYPE", ""), read_body(environ))
        endpoint = self.simulator.customers.choose(endpoints, form.get("account", ""))
        call = _read_call(environ, endpoint, query=query, form=form)
        return self._call(call, endpoint, has_socket=TAKE_SCRIPT in environ)

    def _call(self, call: Call, endpoint: Endpoint, *, has_socket: bool) -> Response:
        as_json = endpoint.always_json or call.form.get("format", "").lower() == "json"
        order = self.simulator.take_fault(call.mobile, has_socket=has_socket)
        answer = self._judge(call, order)
        if self.simulator.latency:
            time.sleep(self.simulator.latency)
        content_type, body = render(answer, as_json=as_json)
        # The dynamic password lives by the platform's clock, which the header shows.
        date = formatdate(self.simulator.clock(), usegmt=True)
        response = Response(content_type=content_type, body=body, headers={"Date": date})
        if order is None:
            return response
        usual = Usual(answer=answer, as_json=as_json, id_field=call.product.id_field, response=response)
        return FAULTS[order.name].spoil(usual)

    def _judge(self, call: Call, order: FaultOrder | None) -> Answer:
        if order is None:
            return self.simulator.answer(call)
        if order.is_taken:
            return self.simulator.answer(call, fault=order.name)
        return self.simulator.pretend(call, fault=order.name)


def _read_call(
    environ: WSGIEnvironment, endpoint: Endpoint, *, query: Mapping[str, str], form: Mapping[str, str]
) -> Call:
    return Call(
        product=endpoint.product,
        action=endpoint.action or ACTIONS.get(query.get("method", "")),
        form=form,
        peer=environ.get("REMOTE_ADDR", ""),
        verb=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", ""),
    )


def _shift(environ: WSGIEnvironment) -> WSGIEnvironment:
    path = environ["PATH_INFO"]
    return {**environ, "SCRIPT_NAME": environ.get("SCRIPT_NAME", "") + PAGES, "PATH_INFO": path[len(PAGES) :]}
