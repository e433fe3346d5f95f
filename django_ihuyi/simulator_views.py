"""The pages of the simulator that runs in this process; they show codes, so they are for developers only."""

from __future__ import annotations

import io
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.conf import settings as django_settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from django_ihuyi.backends import get_backend
from django_ihuyi.backends.simulator import SimulatorBackend, get_app
from django_ihuyi.conf import settings


@csrf_exempt  # the pages take nothing from other machines, nor from pages of other sites
def simulator(request: HttpRequest, path: str) -> HttpResponse:
    """Serve the simulator's pages below the address that this view is mounted at.

    404 with DEBUG off, unless SIMULATOR_IN_PRODUCTION is set; where no channel uses the simulator; and to clients on
    other machines.
    """
    if not (django_settings.DEBUG or settings.SIMULATOR_IN_PRODUCTION) or not _is_in_use():
        raise Http404
    return _call(request, path)


def _is_in_use() -> bool:
    return any(isinstance(get_backend(channel), SimulatorBackend) for channel in settings.CHANNELS)


def _call(request: HttpRequest, path: str) -> HttpResponse:
    """Hand the request to the WSGI app as a server that mounts it would."""
    environ = {
        **request.META,
        "SCRIPT_NAME": request.path.removesuffix(f"/{path}"),
        "PATH_INFO": f"/{path}",
        "QUERY_STRING": request.META.get("QUERY_STRING", ""),
        "wsgi.input": io.BytesIO(request.body),
        "CONTENT_LENGTH": str(len(request.body)),
    }
    answered: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None, /) -> Callable[[bytes], object]:
        answered.update(status=HTTPStatus(int(status.split()[0])), headers=headers)
        return written.write

    written = io.BytesIO()
    written.writelines(get_app().pages(environ, start_response))
    response = HttpResponse(written.getvalue(), status=answered["status"])
    del response["Content-Type"]
    for name, value in answered["headers"]:
        response[name] = value
    return response
