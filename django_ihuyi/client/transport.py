"""The requests adapter that the client calls the platform through."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import PoolManager, Retry

from django_ihuyi.client.connections import PlainPool, SecurePool, running
from django_ihuyi.client.resolver import Lookup, Resolver

#: More than the threads of any one server process, so that no good connection is ever thrown away.
POOL_SIZE = 128
#: urllib3 retries what may have left. Only `exchange` decides what may be tried again.
NEVER = Retry(False, redirect=False)


class Transport(HTTPAdapter):
    """Send requests, each within its own deadline; the `timeout` given to `send` must be a `connections.Call`."""

    def __init__(self, *, verify: bool | str = True, lookup: Lookup = socket.getaddrinfo) -> None:
        self._tls = tls_context(verify)
        self._resolver = Resolver(lookup)
        # One pool is enough, because a client calls one host.
        super().__init__(pool_connections=1, pool_maxsize=POOL_SIZE)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        """Make the pool manager, with our own kind of connections."""
        self.poolmanager = PoolManager(connections, maxsize=maxsize, block=block, ssl_context=self._tls, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

    def send(
        self, request: requests.PreparedRequest, *_args: Any, timeout: Any = None, **_options: Any
    ) -> requests.Response:
        """Send a request once and return the head of its answer. Raises the errors of urllib3.

        HTTPAdapter's own `send` is not used: its errors carry the request, and with it the password.
        """
        running.call, running.resolver = timeout, self._resolver
        answer = self.poolmanager.connection_from_url(request.url or "").urlopen(
            request.method or "",
            request.path_url,
            body=request.body,
            headers=request.headers,
            retries=NEVER,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
        )
        return self.build_response(request, answer)


def tls_context(verify: bool | str) -> ssl.SSLContext:
    """Return a context that demands TLS 1.2 and a certificate of the roots that requests ships, or of `verify`."""
    if not verify:
        raise ValueError("certificates are always verified: set verify to True, or to the path of a CA bundle")
    # Not the roots that REQUESTS_CA_BUNDLE names: the environment must not decide which certificates are trusted.
    roots = DEFAULT_CA_BUNDLE_PATH if verify is True else verify
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if Path(roots).is_dir():
        context.load_verify_locations(capath=roots)
    else:
        context.load_verify_locations(cafile=roots)
    return context
