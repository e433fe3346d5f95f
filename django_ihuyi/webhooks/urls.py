"""URLs for a host to include: `path("webhooks/", include("django_ihuyi.webhooks.urls"))`.

They are `receipts/<secret>/` and `replies/<secret>/`, and the same without the secret, which then is the password of
HTTP's basic authentication. Each works without the last slash too, because a redirect would lose the posted form.
"""

from __future__ import annotations

from django.urls import URLPattern, path, register_converter

from django_ihuyi.webhooks import views
from django_ihuyi.webhooks.gate import KnownSecret

register_converter(KnownSecret, "ihuyi_secret")

app_name = "ihuyi_webhooks"


def _routes(name: str, view: views.View) -> list[URLPattern]:
    return [
        path(name, view),
        path(f"{name}/", view, name=name),
        path(f"{name}/<ihuyi_secret:secret>", view),
        path(f"{name}/<ihuyi_secret:secret>/", view, name=name),
    ]


urlpatterns = [*_routes("receipts", views.receipts), *_routes("replies", views.replies)]
