"""The requests adapter and session that the client calls the platform with."""

from __future__ import annotations

import http.cookiejar
import socket
import ssl
from pathlib import Path
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import PoolManager, Retry

from django_ihuyi.client.connections import PlainPool, SecurePool, running
from django_ihuyi.client.resolver import Lookup, Resolver

#: More than the threads of any one server process, so that no good connection is ever thrown away.
POOL_SIZE = 128
#: The client alone decides what may be tried again.
NEVER = Retry(False, redirect=False)


class Transport(HTTPAdapter):
    """Send requests under one deadline each; the `timeout` given to it must be a `deadline.Call`."""

    def __init__(self, *, verify: bool | str = True, lookup: Lookup = socket.getaddrinfo) -> None:
        self._tls = tls_context(verify)
        self._resolver = Resolver(lookup)
        super().__init__(pool_connections=1, pool_maxsize=POOL_SIZE)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        """Make the pool manager, with our own kind of connections."""
        self.poolmanager = PoolManager(connections, maxsize=maxsize, block=block, ssl_context=self._tls, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

    def send(
        self, request: requests.PreparedRequest, *_args: Any, timeout: Any = None, **_options: Any
    ) -> requests.Response:
        """Send a request once and return with the head of its answer, or raise a urllib3 error.

        Not HTTPAdapter's own: its errors carry the request, and with it the password.
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


class Session(requests.Session):
    """A session that takes nothing from its surroundings, keeps nothing, and goes nowhere else."""

    def __init__(self, adapter: BaseAdapter) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        """Never follow a redirect, not even to look at it: a 307 would carry the password to another host."""
        return None


def tls_context(verify: bool | str) -> ssl.SSLContext:
    """Make a context that demands TLS 1.2 and a certificate of the roots that requests ships, or of `verify`."""
    if not verify:
        raise ValueError("certificates are always verified: set verify to True, or to the path of a CA bundle")
    roots = DEFAULT_CA_BUNDLE_PATH if verify is True else verify
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if Path(roots).is_dir():
        context.load_verify_locations(capath=roots)
    else:
        context.load_verify_locations(cafile=roots)
    return context
