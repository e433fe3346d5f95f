"""The web page that shows what the phones got."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from string import Template

from django_ihuyi.simulator.records import Message, format_time

SHOWN = 200

PAGE = Template(
    """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="5">
<title>iHuyi simulator: messages</title>
<link rel="stylesheet" href="static/simulator.css">
</head>
<body>
<main>
<h1>Messages</h1>
<p>$summary</p>
<table>
<thead><tr><th scope="col">Phone</th><th scope="col">Message</th><th scope="col">Code</th>\
<th scope="col">Arrived (UTC)</th></tr></thead>
<tbody>
$rows</tbody>
</table>
</main>
</body>
</html>
"""
)


def render_inbox(messages: Sequence[Message]) -> str:
    """Write the page for some messages, newest first."""
    shown = messages[:SHOWN]
    summary = f"The latest {len(shown)} of {len(messages)}." if messages else "No phone got a message yet."
    return PAGE.substitute(summary=summary, rows="".join(map(_render_row, shown)))


def _render_row(message: Message) -> str:
    moment = format_time(message.arrived)
    mobile = escape(message.mobile)
    text = escape(f"【{message.signature}】{message.content}" if message.signature else message.content)
    return (
        f'<tr><td><a href="?mobile={mobile}">{mobile}</a></td><td lang="zh">{text}</td>'
        f"<td><strong>{escape(message.code)}</strong></td>"
        f'<td><time datetime="{moment}">{moment[11:19]}</time></td></tr>\n'
    )
