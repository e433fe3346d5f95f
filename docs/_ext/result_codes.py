"""Write docs/reference/result_codes.md from the catalogue, before Sphinx reads the pages.

Without Sphinx: `python docs/_ext/result_codes.py` from the root of the repository.
"""

from pathlib import Path

from django_ihuyi.client.results import CATALOGUE, PauseEnd, ResultKind
from django_ihuyi.simulator.products import INTERNATIONAL, SMS

PAGE = Path(__file__).parent.parent / "reference" / "result_codes.md"

INTRODUCTION = """\
<!-- Made by docs/_ext/result_codes.py from django_ihuyi.client.results.CATALOGUE: change it there. -->

# Result codes

All known result codes of the platform, in the order of the platform's own table. The same data is available in Python:

```python
from django_ihuyi.client.results import describe

describe(4085).en
```

The *platform's words* are quoted from its published table. The numbers in brackets depend on the account, so a real
response may have other numbers. Codes without words were observed in responses, but are not published. A code that is
not in this table is stored and shown unchanged, with the kind `generic`. The platform's words appear in the send log
and are never shown to the public.

The *REST answer* is the response of `send-code/`; `delivery.send` raises the exception with the same `code`. The table
applies to every channel, unless a row of its own names a channel. On 40501 the client first takes the time from the
platform's response and tries once more; the table describes a second refusal.

## Consequences of a code

`django_ihuyi.client.results` is the only place that decides by code, one row for each:

- *pause*: how long the number gets no further message, or no further code; *suppressed*: until an operator lifts it.
- *claim*: *kept* if the message counts for the number's limits, because the platform counted it or has no room for
  another one. Else the claim is given back.
- *attempt*: *yes* if it is one of the 15 attempts at the number that 24 hours may have; *no* if the platform refuses
  before it looks at the number.
- *concerns*: how far the refusal reaches. *message*: this message or its number. *pace*: a batch tries the row again.
  *clock*: a batch tries again, and the circuit breaker counts a failure. *account*: a batch tries again, and the
  circuit breaker opens at once.

## How to trigger a code

The [simulator](simulator.md) can return every code, on every channel, in up to three ways:

- By a *rule*: the last column but one names the shortest way. The simulator's page marks the rules that are our own.
- By a *magic number*, in the last column. On the channel `international` the same five digits follow `{abroad}`
  instead of `{mainland}`: `{abroad_example}` returns 4085.
- By *order*, which overrides every rule: `POST /_simulator/answers` with
  `{{"code": 4085, "mobile": "13800138000"}}`, or in Python `simulator.force(4085, mobile="13800138000")`. Write a
  foreign number in the platform's form, `44 7911123456`.

## The table

"""

COLUMNS = (
    "code",
    "platform's words",
    "meaning (中文)",
    "meaning",
    "kind",
    "who must act",
    "outcome",
    "pause",
    "claim",
    "attempt",
    "concerns",
    "REST answer",
    "the simulator's rule",
    "magic number",
)

#: The HTTP status that belongs to an answer of send-code.
STATUSES = {"resend_too_soon": 429, "number_limit": 429, "number_refused": 400, "sending_unavailable": 503}

#: How each code comes about with the simulator's default options, or with the one that is named.
RULES = {
    0: "a `method` that does not exist",
    2: "a valid message",
    400: "`Simulator(blocked_addresses=)`",
    401: "no `account`, or a form of another Content-Type",
    402: "no `password`",
    403: "no `mobile`",
    4030: "the next message after a 408",
    404: "no `content`",
    405: "an unknown account; or a wrong key, without a `time`",
    4050: "`Account(is_frozen=)`",
    40501: "a `time` that is more than 300 seconds off",
    40502: "a dynamic password of another key or message",
    4051: "`Account(balance=)`",
    4052: "`Account(addresses=)`",
    406: "a number that the product cannot have",
    407: "赌博 in the text",
    4070: "a 【signature】 at the beginning of the text",
    4071: "a `templateid` that is not filed",
    4072: "a text that follows no filed template",
    40722: "a value of more than 8 characters",
    4073: "a text of more than 300 characters",
    4074: "an emoji in the text",
    4075: "a `sign` that is not approved",
    408: "more than 20 attempts for a number in a day",
    4080: "a second attempt for a number in one second",
    4082: "a sixth message for a number in a day",
    4085: "a sixth code for a number in a day",
}


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
    lines = [_line(COLUMNS), _line(["---"] * len(COLUMNS))]
    for row in CATALOGUE.values():
        lines.append(_line(_cells(row)))
        lines.extend(_line(_cells(other, channel)) for channel, other in row.by_channel.items())
    mainland, abroad = SMS.magic_prefix, "+" + INTERNATIONAL.magic_prefix
    introduction = INTRODUCTION.format(mainland=mainland, abroad=abroad, abroad_example=f"{abroad}04085")
    return introduction + "\n".join(lines) + "\n"


def _cells(row, channel=""):
    is_success = row.kind is ResultKind.SUCCESS
    return (
        f"{row.code} (`{channel}`)" if channel else str(row.code),
        row.seed_text,
        row.zh,
        row.en,
        row.kind.value,
        row.actor.value,
        "accepted" if is_success else "refused",
        _pause(row),
        "kept" if row.keeps_claim else "",
        "yes" if row.is_attempt else "no",
        "" if is_success else row.scope.value,
        f"{STATUSES[row.answer]} `{row.answer}`" if row.answer else "202",
        "" if channel else RULES.get(row.code, ""),
        "" if is_success else f"`{SMS.magic_prefix}{row.code:05d}`",
    )


def _pause(row):
    if row.suppresses:
        return "suppressed"
    if row.pause is None:
        return ""
    seconds = round(row.pause.lasts.total_seconds())
    lasts = f"{seconds // 3600} h" if seconds >= 3600 else f"{seconds} s"
    return f"{lasts}, codes" if row.pause.end is PauseEnd.FULL_FOR_CODES else lasts


def _line(cells):
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    write()
