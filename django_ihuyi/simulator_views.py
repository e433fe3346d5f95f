"""The pages of the simulator in this process. They show codes, so they are for developers only."""

from __future__ import annotations

import io

from django.conf import settings as django_settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from django_ihuyi.backends import get_backend
from django_ihuyi.backends.simulator import SimulatorBackend, get_app
from django_ihuyi.conf import settings


@csrf_exempt  # the pages themselves refuse other machines and posts from foreign web pages
def simulator(request: HttpRequest, path: str) -> HttpResponse:
    """Serve the simulator's pages below the URL of this view.

    Raise Http404 if no channel uses the simulator, and with DEBUG off unless SIMULATOR_IN_PRODUCTION is set. Clients on
    other machines get 404 from the pages themselves.
    """
    is_in_use = any(isinstance(get_backend(channel), SimulatorBackend) for channel in settings.CHANNELS)
    if not (django_settings.DEBUG or settings.SIMULATOR_IN_PRODUCTION) or not is_in_use:
        raise Http404
    # The request as a server would hand it to a WSGI app mounted here.
    answer = get_app().pages.answer(
        {
            **request.META,
            "SCRIPT_NAME": request.path.removesuffix(f"/{path}"),
            "PATH_INFO": f"/{path}",
            "QUERY_STRING": request.META.get("QUERY_STRING", ""),
            "wsgi.input": io.BytesIO(request.body),
            "CONTENT_LENGTH": str(len(request.body)),
        }
    )
    headers = {"Content-Length": str(len(answer.body)), **answer.headers}
    return HttpResponse(answer.body, status=answer.status, content_type=answer.content_type, headers=headers)
