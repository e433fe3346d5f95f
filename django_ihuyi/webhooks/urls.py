"""URLs for a host to include: `path("webhooks/", include("django_ihuyi.webhooks.urls"))`.

They are `receipts/<secret>/` and `replies/<secret>/`, and the same without the secret, which then is the password of
HTTP's basic authentication. Each works without the last slash too, because a redirect would lose the posted form.
All other URLs below `receipts/` and `replies/` are not found, and so is each one that has a secret in a wrong place.
"""

from __future__ import annotations

from django.urls import URLPattern, path, register_converter

from django_ihuyi.webhooks import views
from django_ihuyi.webhooks.gate import AnyRest, KnownSecret, MisplacedSecret

register_converter(KnownSecret, "ihuyi_secret")
register_converter(AnyRest, "ihuyi_rest")
register_converter(MisplacedSecret, "ihuyi_misplaced_secret")

app_name = "ihuyi_webhooks"


def _routes(name: str, view: views.View) -> list[URLPattern]:
    return [
        path(name, view),
        path(f"{name}/", view, name=name),
        path(f"{name}/<ihuyi_secret:secret>", view),
        path(f"{name}/<ihuyi_secret:secret>/", view, name=name),
        path(f"{name}/<ihuyi_rest:rest>", views.nothing),
    ]


urlpatterns = [
    *_routes("receipts", views.receipts),
    *_routes("replies", views.replies),
    path("<ihuyi_misplaced_secret:rest>", views.nothing),
]
