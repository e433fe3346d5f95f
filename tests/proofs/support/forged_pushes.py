"""Pushes of those who do not know the secret, or do not push as the platform does."""

import base64
import contextlib
import http.client
import itertools
import random
import secrets
from urllib.parse import quote, urlencode, urlsplit

from tests.proofs.support.platform_pushes import FORM, KINDS, OTHER_SECRET, PATIENCE, ROTATED_OUT, SECRET, receipt_of


def forged_paths():
    """Ways to go wrong with a secret: a path below receipts or replies, and headers."""
    changed = bytearray(SECRET.encode())
    place = secrets.randbelow(len(changed))
    changed[place] = ord("A") if changed[place] != ord("A") else ord("B")
    encoded = "".join(f"%{ord(character):02X}" for character in SECRET)
    cut = random.randrange(1, len(SECRET))
    basic = base64.b64encode(f"ihuyi:{secrets.token_urlsafe(32)}".encode()).decode()
    return {
        "no token": ("/", {}),
        "no path": ("", {}),
        "short": (f"/{secrets.token_urlsafe(8)}/", {}),
        "long": (f"/{secrets.token_urlsafe(200)}/", {}),
        "prefix": (f"/{SECRET[:cut]}/", {}),
        "suffix": (f"/{SECRET[cut:]}/", {}),
        "prefixed": (f"/x{SECRET}/", {}),
        "suffixed": (f"/{SECRET}x/", {}),
        "one character": (f"/{changed.decode()}/", {}),
        "case-flipped": (f"/{SECRET.swapcase()}/", {}),
        "URL-encoded": (f"/{encoded}/", {}),
        "double-encoded": (f"/{quote(encoded)}/", {}),
        "another tenant's": (f"/{secrets.token_urlsafe(32)}/", {}),
        "rotated out": (f"/{ROTATED_OUT}/", {}),
        "two in one": (f"/{SECRET},{OTHER_SECRET}/", {}),
        "in the query": (f"/?secret={SECRET}&token={SECRET}", {}),
        "in a header": ("/", {"X-Secret": SECRET, "X-Token": SECRET, "Cookie": f"secret={SECRET}"}),
        "bearer": ("/", {"Authorization": f"Bearer {SECRET}"}),
        "basic": ("/", {"Authorization": f"Basic {basic}"}),
        "NUL": (f"/{SECRET}%00/", {}),
        "NUL and more": (f"/%00{SECRET}/", {}),
        "traversal": (f"/x/../{SECRET}/", {}),
        "encoded traversal": (f"/x%2F..%2F{SECRET}/", {}),
        "double slash": (f"//{SECRET}/", {}),
        "wildcard": ("/*/", {}),
    }


def forgeries(message):
    """Yield (kind, method, path, headers, body) without end, in each of which something is wrong."""
    bodies = [
        receipt_of(message),
        receipt_of(message, code="0"),
        {**receipt_of(message), "secret": SECRET, "token": SECRET},
        {"task_id": message.platform_id, "mobilephone": message.phone[3:], "code": "2"},
        {"mobilephone": message.phone[3:], "content": "TD", "smsid": message.platform_id},
    ]
    while True:
        for kind, body in itertools.product(KINDS, bodies):
            for path, headers in forged_paths().values():
                yield "POST", f"/webhooks/{kind}{path}", headers, urlencode(body)
            right = f"/webhooks/{kind}/{SECRET}/"
            override = {"X-HTTP-Method-Override": "POST", "X-HTTP-Method": "POST"}
            yield "GET", f"{right}?{urlencode(body)}", override, None
            yield "PUT", right, override, urlencode(body)
            yield "POST", f"{right}?{urlencode(body)}", {"Content-Type": "text/plain"}, urlencode(body)


def attack(address, attempts):
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE)
    statuses = []
    with contextlib.closing(connection):
        for method, path, headers, body in attempts:
            connection.request(method, path, body, {"Content-Type": FORM, **headers})
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
    return statuses
