"""Points at which a process of the site can be killed -9, as docs/explanation/delivery lists them.

In the site they are wrappers round seams of the app, there if PROOF_FAILPOINTS names a folder. A test arms one with
`arm(folder, "C3")`: whoever comes to it first disarms it, and is killed, or kills what the test names. A seam that is
no longer there stops the site from starting; a point that nobody comes to leaves its file.
"""

import functools
import os
import re
import signal
from importlib import import_module
from pathlib import Path

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.http import StreamingHttpResponse

#: Killed before a call: {point: function}.
BEFORE = {
    "C1": "django_ihuyi.api.views:send_code",
    "C6": "django_ihuyi.client.connections:_DeadlineConnection.getresponse",
    "C7": "django_ihuyi.client.http:parse_submit",
    "C8": "django_ihuyi.delivery.call:settle",
    "C10": "django_ihuyi.api.views:answer_issued",
    "C12": "django_ihuyi.codes:matches",
    "C16": "django_ihuyi.api.views:answer_verdict",
    "C19": "django_ihuyi.webhooks.views:_answer",
    "C20": "django_ihuyi.delivery.outcomes:announce",
    "C22": "django_ihuyi.delivery.queue:deliver",
    "C22-untaken": "django_ihuyi.delivery.queue:take_claimed",
}
#: Killed after a call: {point: function}.
AFTER = {
    "C3": "django_ihuyi.verification.sending:reserve",
    "C14": "django_ihuyi.codes:matches",
    "C18": "django_ihuyi.delivery.receipts:move",
}
#: Killed when a statement is done and not committed: {point: what the statement looks like}.
UNCOMMITTED = {
    "C2": re.compile(r"INSERT INTO \W?ihuyi_message\b"),
    "C9": re.compile(r"UPDATE ihuyi_message SET finished_at"),
    "C15": re.compile(r"UPDATE ihuyi_verification SET attempts"),
    "C17": re.compile(r"UPDATE \W?ihuyi_message\b.*receipt_code"),
    "C20-uncommitted": re.compile(r"UPDATE \W?ihuyi_message\b.*fault"),
    "C21": re.compile(r"DELETE FROM \W?ihuyi_message\b"),
}
#: Killed when the platform is connected to, and so many bytes of a request are on their way: {point: how many of all}.
CUT_OFF = {"C4": lambda size: 0, "C5": lambda size: size // 2, "C5-last-byte": lambda size: size - 1}
WRITES = "django_ihuyi.client.connections:_DeadlineConnection.send"
#: Killed when half of an answer's body is written.
HALF_ANSWER = "C11"


def arm(folder, point, *victims):
    """Have the first process that comes to a point killed, or else these processes with their children."""
    (folder / point).write_text(" ".join(map(str, victims)))


def is_armed(point):
    return (folder() / point).exists()


def die(point):
    """Kill whom a test wants dead; nobody, if the point is not armed."""
    order = folder() / point
    try:
        victims = order.read_text().split()
        order.unlink()
    except FileNotFoundError:
        return
    for victim in victims:
        # Those of PostgreSQL's server would go on for a moment, and commit what we do next.
        for process in (victim, *children_of(victim)):
            os.kill(int(process), signal.SIGKILL)
    if not victims:
        os.kill(os.getpid(), signal.SIGKILL)


def children_of(process):
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


def folder():
    return Path(os.environ["PROOF_FAILPOINTS"])


class Failpoints(AppConfig):
    name = "tests.proofs.support.failpoints"
    label = "failpoints"

    def ready(self):
        for point, seam in BEFORE.items():
            wrap(seam, functools.partial(dying_before, point))
        for point, seam in AFTER.items():
            wrap(seam, functools.partial(dying_after, point))
        for point, share in CUT_OFF.items():
            wrap(WRITES, functools.partial(cut_off, point, share))
        connection_created.connect(watch)


def wrap(seam, wrapper):
    """Replace a function, named as in "module:Class.function"."""
    module, _, path = seam.partition(":")
    *owners, name = path.split(".")
    owner = functools.reduce(getattr, owners, import_module(module))
    setattr(owner, name, wrapper(getattr(owner, name)))


def dying_before(point, call):
    @functools.wraps(call)
    def wrapper(*args, **kwargs):
        die(point)
        return call(*args, **kwargs)

    return wrapper


def dying_after(point, call):
    @functools.wraps(call)
    def wrapper(*args, **kwargs):
        result = call(*args, **kwargs)
        die(point)
        return result

    return wrapper


def cut_off(point, share, write):
    @functools.wraps(write)
    def wrapper(connection, data):
        if not is_armed(point):
            return write(connection, data)
        # Head and body come one after the other: held back until it is known how long the two are.
        connection.held = getattr(connection, "held", b"") + data
        head, _, body = connection.held.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        if length and len(body) == int(length[1]):
            write(connection, connection.held[: share(len(connection.held))])
            die(point)
        return None

    return wrapper


def watch(sender, connection, **kwargs):
    connection.execute_wrappers.append(die_uncommitted)


def die_uncommitted(execute, sql, params, many, context):
    points = [point for point, statement in UNCOMMITTED.items() if statement.search(sql) and is_armed(point)]
    if points and not context["connection"].in_atomic_block:
        # A statement that is a transaction of its own: so that there is a moment between its work and its commit.
        execute("BEGIN", None, False, context)
    result = execute(sql, params, many, context)
    for point in points:
        die(point)
    return result


def answer_half(get_response):
    def middleware(request):
        response = get_response(request)
        if not is_armed(HALF_ANSWER):
            return response
        return StreamingHttpResponse(
            half_of(response.content), status=response.status_code, headers=dict(response.headers)
        )

    return middleware


def half_of(content):
    yield content[: len(content) // 2]
    die(HALF_ANSWER)
