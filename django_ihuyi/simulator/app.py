"""The simulator as a WSGI app: the platform's URLs, and the pages for people and tests below `/_simulator/`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

from django_ihuyi.simulator.answers import render
from django_ihuyi.simulator.attempt import Call
from django_ihuyi.simulator.faults import FAULTS, Usual
from django_ihuyi.simulator.forms import parse_form, parse_urlencoded
from django_ihuyi.simulator.pages import PagesApp
from django_ihuyi.simulator.products import Action, find_endpoints
from django_ihuyi.simulator.simulator import Simulator
from django_ihuyi.simulator.wsgi import TAKE_SCRIPT, Response, TooLargeError, read_body, refuse, respond

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PAGES = "/_simulator"
ACTIONS = {action.value: action for action in Action}


class SimulatorApp:
    """Serves a simulator over WSGI."""

    def __init__(self, simulator: Simulator, *, remote_pages: bool = False, max_wait: float = 0) -> None:
        self.simulator = simulator
        self.pages = PagesApp(simulator, remote=remote_pages, max_wait=max_wait)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == PAGES or path.startswith(f"{PAGES}/"):
            # WSGI's rule for a mounted app: its own prefix moves from PATH_INFO to SCRIPT_NAME.
            script_name = environ.get("SCRIPT_NAME", "") + PAGES
            return self.pages(
                {**environ, "SCRIPT_NAME": script_name, "PATH_INFO": path.removeprefix(PAGES)}, start_response
            )
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
            self.simulator.note_unknown_path(verb=verb, path=path)
            return refuse(HTTPStatus.NOT_FOUND)
        if verb not in ("GET", "POST"):
            self.simulator.note_unknown_path(verb=verb, path=path)
            return refuse(HTTPStatus.METHOD_NOT_ALLOWED, Allow="GET, POST")
        query = parse_urlencoded(environ.get("QUERY_STRING", ""))
        form = parse_form(query, environ.get("CONTENT_TYPE", ""), read_body(environ))
        endpoint = self.simulator.customers.choose(endpoints, form.get("account", ""))
        call = Call(
            product=endpoint.product,
            action=endpoint.action or ACTIONS.get(query.get("method", "")),
            form=form,
            peer=environ.get("REMOTE_ADDR", ""),
            verb=verb,
            path=path,
        )
        as_json = endpoint.always_json or form.get("format", "").lower() == "json"
        return self._call(call, as_json=as_json, has_socket=TAKE_SCRIPT in environ)

    def _call(self, call: Call, *, as_json: bool, has_socket: bool) -> Response:
        order = self.simulator.take_fault(call.mobile, has_socket=has_socket)
        if order is None or order.is_taken:
            answer = self.simulator.answer(call, fault=order.name if order else "")
        else:
            answer = self.simulator.pretend(call, fault=order.name)
        # After the message arrived: a client that times out must not assume that nothing was sent.
        if self.simulator.latency:
            time.sleep(self.simulator.latency)
        content_type, body = render(answer, as_json=as_json)
        # Clients correct the time of a dynamic password by this header, so it shows the simulator's clock.
        date = formatdate(self.simulator.clock(), usegmt=True)
        response = Response(content_type=content_type, body=body, headers={"Date": date})
        if order is None:
            return response
        usual = Usual(answer=answer, as_json=as_json, id_field=call.product.id_field, response=response)
        return FAULTS[order.name].spoil(usual)
