"""What goes over the wire: JSON in, JSON out, whatever the Accept header says."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.http import parse_header_parameters
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


def is_json(content_type: str) -> bool:
    """Say whether a Content-Type is application/json in UTF-8, the only one that no foreign page's form can send."""
    if content_type == "application/json":
        return True
    media_type, parameters = parse_header_parameters(content_type)
    return media_type == "application/json" and parameters.get("charset", "utf-8").lower() in ("utf-8", "utf8")


class JSONOnly(BaseContentNegotiation):
    """Take JSON bodies only, and answer JSON to everybody.

    RFC 9110, section 12.4.1, allows to disregard an Accept header that cannot be honoured; a caller that asked for
    HTML is better off with a reason in JSON than with a bare 406.
    """

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        return next(iter(parsers)) if is_json(request.content_type) else None

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type
