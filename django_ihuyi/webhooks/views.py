"""The views for receipts and replies: store, commit, and answer `success`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps

from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, InternalError, OperationalError, connections, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from django_ihuyi.database import transactions
from django_ihuyi.delivery.receipts import settle_newest_unmatched, take_receipt, take_reply
from django_ihuyi.logs import get_logger
from django_ihuyi.webhooks.forms import Refused, read_form, read_receipt, read_reply
from django_ihuyi.webhooks.gate import let_in, not_found

#: Seconds after which the platform may try again while the database is out of reach.
RETRY_AFTER = 30

View = Callable[..., HttpResponse]

logger = get_logger("django_ihuyi.webhooks")


def webhook(take: Callable[[Mapping[str, str]], None]) -> View:
    """Return a view of a function that stores a form."""

    @_open
    @wraps(take)
    @sensitive_post_parameters()
    @sensitive_variables()
    def view(request: HttpRequest, secret: str = "") -> HttpResponse:
        let_in(request, by_url=bool(secret))
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            take(read_form(request))
            settle_newest_unmatched()
        except Refused as refusal:
            logger.warning("%s: refused with %d, %s", take.__name__, refusal.status, refusal.reason)
            return _answer(refusal.reason, status=refusal.status)
        except (OperationalError, InterfaceError, InternalError, transactions.Contended) as error:
            # The class only: the text of a database error may quote a row, and so a number.
            logger.error("%s: the database fails with %s", take.__name__, type(error).__name__)
            return _answer("try again later", status=503, headers={"Retry-After": str(RETRY_AFTER)})
        return _answer("success")

    return view


def _open(view: View) -> View:
    """Return a view that asks for no session: the platform has the secret instead."""
    # No ATOMIC_REQUESTS: `success` must mean committed, and the request's transaction commits after the view.
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return login_not_required(csrf_exempt(view))


@_open
def nothing(request: HttpRequest, **rest: str) -> HttpResponse:  # noqa: ARG001
    """Answer as the site does for an unknown URL, and hide this one from its log."""
    raise not_found(request)


@webhook
def receipts(form: Mapping[str, str]) -> None:
    """Store a receipt."""
    take_receipt(read_receipt(form))


@webhook
def replies(form: Mapping[str, str]) -> None:
    """Store a reply."""
    reply = read_reply(form)
    take_reply(reply.phone, reply.content, platform_id=reply.platform_id, replied_at=reply.replied_at)


def _answer(text: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    return HttpResponse(text, content_type="text/plain; charset=utf-8", status=status, headers=dict(headers or {}))
