"""The platform's answers, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

from django_ihuyi.simulator.products import Product

NAMESPACE = "http://106.ihuyi.com/"
JSON_TYPE = "application/json; charset=utf-8"
XML_TYPE = "text/xml; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer's fields in their order, under the name of its XML root."""

    code: int
    root: str
    fields: Mapping[str, int | str]


def answer_submit(product: Product, *, code: int, text: str, message_id: str = "0") -> Answer:
    """Return the answer to a Submit; the id is 0 on failure."""
    return Answer(code=code, root="SubmitResult", fields={"code": code, "msg": text, product.id_field: message_id})


def answer_balance(*, code: int, text: str, units: int = 0) -> Answer:
    """Return the answer to a GetNum; a `num` of 0 on failure is our choice."""
    return Answer(code=code, root="GetNumResult", fields={"code": code, "msg": text, "num": units})


def render(answer: Answer, *, as_json: bool) -> tuple[str, bytes]:
    """Return an answer's Content-Type and its bytes."""
    if as_json:
        return JSON_TYPE, json.dumps(answer.fields, ensure_ascii=False, separators=(",", ":")).encode()
    fields = "".join(f"<{name}>{escape(str(value))}</{name}>\n" for name, value in answer.fields.items())
    root = f'<{answer.root} xmlns="{NAMESPACE}">\n{fields}</{answer.root}>\n'
    return XML_TYPE, f'<?xml version="1.0" encoding="utf-8"?>\n{root}'.encode()
