"""A steady load: so many requests a second, each sent when its time has come, whether or not others are answered."""

import asyncio
import contextlib
import dataclasses
import http.client
import io
import itertools
import json
import threading
import time
from urllib.parse import urlsplit

from tests.proofs.support.processes import PATIENCE
from tests.proofs.support.worker_ids import SECONDS

RATE = 50


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request; `about` is for whoever reads the answers, `source` the loopback address that it comes from."""

    kind: str
    path: str
    content: bytes = b""
    content_type: str = "application/json"
    about: object = None
    source: str = ""

    def to_bytes(self, host):
        head = [
            f"{'POST' if self.content else 'GET'} {self.path} HTTP/1.1",
            *[f"Host: {host}", "Connection: close"],
            *([f"Content-Type: {self.content_type}", f"Content-Length: {len(self.content)}"] if self.content else []),
        ]
        return "\r\n".join([*head, "", ""]).encode() + self.content


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A request with its answer: moments by the monotonic clock, and the seconds that the site itself took for it."""

    request: Request
    status: int
    code: str
    retry_after: str | None
    body: dict
    asked: float
    answered: float
    seconds: float

    @property
    def kind(self):
        return self.request.kind


def ask_all(address, requests):
    """Ask them all at once, and return the answers in the same order."""

    async def ask():
        return await asyncio.gather(*[ask_one(urlsplit(address).netloc, request) for request in requests])

    return asyncio.run(ask())


class Load:
    """Asks what an endless iterator says, from a thread of its own, until the `with` block ends; then waits for all."""

    def __init__(self, address, requests):
        self._host = urlsplit(address).netloc
        self._requests = requests
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._lock = threading.Lock()
        self._answers, self._failures = [], []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._over.set()
        self._thread.join()
        assert self._failures == []

    @property
    def answers(self):
        with self._lock:
            return list(self._answers)

    async def _run(self):
        began = asyncio.get_running_loop().time()
        tasks = []
        for number in itertools.count():
            if self._over.is_set():
                break
            tasks.append(asyncio.create_task(self._ask(next(self._requests))))
            await asyncio.sleep(max(0, began + number / RATE - asyncio.get_running_loop().time()))
        await asyncio.gather(*tasks)

    async def _ask(self, request):
        try:
            answer = await ask_one(self._host, request)
        except Exception as error:  # noqa: BLE001 - a request without an answer is what a test asks about
            self._failures.append((request.kind, repr(error)))
            return
        with self._lock:
            self._answers.append(answer)


async def ask_one(host, request):
    asked = time.monotonic()
    return parse(request, await asyncio.wait_for(exchange(host, request), PATIENCE), asked=asked)


async def exchange(host, request):
    name, port = host.split(":")
    source = (request.source, 0) if request.source else None
    reader, writer = await asyncio.open_connection(name, int(port), local_addr=source)
    with contextlib.closing(writer):
        writer.write(request.to_bytes(host))
        return await reader.read()


def parse(request, raw, *, asked):
    head, _, content = raw.partition(b"\r\n\r\n")
    status, _, fields = head.partition(b"\r\n")
    headers = http.client.parse_headers(io.BytesIO(fields + b"\r\n\r\n"))
    body = json.loads(content) if "json" in headers["Content-Type"] else {}
    return Answered(
        request=request,
        status=int(status.split()[1]),
        code=body.get("code", ""),
        retry_after=headers["Retry-After"],
        body=body,
        asked=asked,
        answered=time.monotonic(),
        seconds=float(headers[SECONDS]),
    )
