"""Write docs/reference/result_codes.md from the catalogue, before Sphinx reads the pages.

Without Sphinx: `python docs/_ext/result_codes.py` from the root of the repository.
"""

from pathlib import Path

from django_ihuyi.client.results import CATALOGUE, Kind

PAGE = Path(__file__).parent.parent / "reference" / "result_codes.md"

INTRODUCTION = """\
<!-- Made by docs/_ext/result_codes.py from django_ihuyi.client.results.CATALOGUE: change it there. -->

# Result codes

Every code that the platform is known to answer, in the order of its own table. The same data is in Python:

```python
from django_ihuyi.client.results import describe

describe(4085).en
```

The *platform's words* are those of its published table; the numbers in brackets are values of the account, so that
the real answer may have others. Codes without words were seen in answers, but are published nowhere. A code that is
not in this table is kept and shown as it came, as `generic`. The platform's words reach the send log, never the public.
"""

COLUMNS = ("code", "platform's words", "meaning (中文)", "meaning", "kind", "who must act", "outcome", "REST answer")

#: What the caller of send-code gets for each kind.
REST_ANSWERS = {
    Kind.SUCCESS: "202",
    Kind.THROTTLED: "429 `resend_too_soon`",
    Kind.QUOTA: "429 `number_limit`",
    Kind.SUPPRESSED: "429 `number_limit`",
    Kind.NUMBER: "400 `number_refused`",
}
OTHER_REST_ANSWER = "503 `sending_unavailable`"


def setup(app):
    app.connect("builder-inited", lambda _app: write())
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write():
    """Write the page, unless it is as it should be."""
    text = page()
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")


def page():
    lines = [_line(COLUMNS), _line(["---"] * len(COLUMNS)), *(_line(_cells(row)) for row in CATALOGUE.values())]
    return INTRODUCTION + "\n" + "\n".join(lines) + "\n"


def _cells(row):
    return (
        str(row.code),
        row.seed_text,
        row.zh,
        row.en,
        row.kind.value,
        row.actor.value,
        "accepted" if row.kind is Kind.SUCCESS else "refused",
        REST_ANSWERS.get(row.kind, OTHER_REST_ANSWER),
    )


def _line(cells):
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    write()
