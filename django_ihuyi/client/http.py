"""Call the platform: never raise for what the wire can do, never send twice what may have left."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Collection
from time import monotonic
from typing import TypeVar

from requests.adapters import BaseAdapter

from django_ihuyi.client.endpoint import SMS_V1_URL, check_endpoint, check_path, is_v2, method_url
from django_ihuyi.client.exchange import Exchange, prepare
from django_ihuyi.client.faults import FAULTS, Fault
from django_ihuyi.client.outcomes import Balance, Outcome, Submission
from django_ihuyi.client.protocol import SUCCESS, build_balance, build_submit, parse_balance, parse_submit
from django_ihuyi.client.resolver import Lookup
from django_ihuyi.client.words import clean, secrets_of
from django_ihuyi.exceptions import InvalidAnswer

Answer = TypeVar("Answer")


class Client:
    """One account of one of the platform's products.

    It may be shared by threads, and survives a fork. `allowed_hosts` and `allow_loopback` are those of
    `endpoint.check_endpoint`; with an `adapter` of requests' kind nothing leaves the process but through it.
    """

    def __init__(
        self,
        *,
        account: str,
        api_key: str,
        url: str = SMS_V1_URL,
        format: str = "json",
        dynamic_password: bool = True,
        connect_timeout: float = 3.0,
        total_timeout: float = 8.0,
        verify: bool | str = True,
        allowed_hosts: Collection[str] = (),
        allow_loopback: bool = False,
        adapter: BaseAdapter | None = None,
        clock: Callable[[], float] = time.time,
        lookup: Lookup = socket.getaddrinfo,
    ) -> None:
        if not account or not api_key:
            raise ValueError("the client needs the platform's account (APIID) and api_key (APIKEY)")
        if format not in ("json", "xml"):
            raise ValueError('format must be "json" or "xml"')
        if not verify:
            raise ValueError("certificates are always verified: set verify to True, or to the path of a CA bundle")
        if adapter is None:
            check_endpoint(url, allowed_hosts=allowed_hosts, allow_loopback=allow_loopback)
        else:
            check_path(url)
        self.account = account
        self.url = url
        # The second version answers in JSON whatever is asked, and is asked nothing.
        self.format = "json" if is_v2(url) else format
        self._form_format = None if is_v2(url) else format
        self._api_key = api_key
        self._dynamic_password = dynamic_password
        # A little less, so that the whole call, its own end included, stays within it.
        self._time_allowed = total_timeout * 0.97
        self._clock = clock
        self._requests = {method: prepare(method_url(url, method)) for method in ("Submit", "GetNum")}
        self._exchange = Exchange(connect_timeout=connect_timeout, verify=verify, lookup=lookup, adapter=adapter)

    def __repr__(self) -> str:
        return f"<Client {self.account} at {self.url}>"

    def __getstate__(self) -> object:
        raise TypeError("a client holds a key and is never pickled: make one where it is needed")

    def submit(self, *, mobile: str, content: str, template_id: str | None = None) -> Submission:
        """Hand one message to the platform; with `template_id`, `content` is the variables joined by "|"."""
        started = monotonic()
        form = build_submit(
            account=self.account,
            api_key=self._api_key,
            mobile=mobile,
            content=content,
            template_id=template_id,
            time=self._time(),
            format=self._form_format,
        )
        answer = self._ask("Submit", form, parse_submit, started=started)
        elapsed = monotonic() - started
        if isinstance(answer, Fault):
            return Submission(outcome=answer.outcome, code=None, text=answer.text, fault=answer.slug, elapsed=elapsed)
        return Submission(
            outcome=_outcome(answer.code),
            code=answer.code,
            text=self._clean(answer.text, form),
            platform_id=answer.platform_id,
            elapsed=elapsed,
        )

    def get_balance(self) -> Balance:
        """Ask how many messages the account has left."""
        started = monotonic()
        form = build_balance(account=self.account, api_key=self._api_key, time=self._time(), format=self._form_format)
        answer = self._ask("GetNum", form, parse_balance, started=started)
        elapsed = monotonic() - started
        if isinstance(answer, Fault):
            return Balance(
                outcome=answer.outcome, code=None, text=answer.text, fault=answer.slug, elapsed=elapsed, units=None
            )
        return Balance(
            outcome=_outcome(answer.code),
            code=answer.code,
            text=self._clean(answer.text, form),
            elapsed=elapsed,
            units=answer.units,
        )

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._exchange.close()

    def _time(self) -> str | None:
        return str(int(self._clock())) if self._dynamic_password else None

    def _ask(
        self, method: str, form: dict[str, str], parse: Callable[..., Answer], *, started: float
    ) -> Answer | Fault:
        reply = self._exchange.post(self._requests[method], form, deadline=started + self._time_allowed)
        if isinstance(reply, Fault):
            return reply
        try:
            return parse(reply, format=self.format)
        except InvalidAnswer:
            return FAULTS["answer_invalid"]

    def _clean(self, text: str, form: dict[str, str]) -> str:
        return clean(text, secrets=(self._api_key, *secrets_of(form)))


def _outcome(code: int) -> Outcome:
    return Outcome.ACCEPTED if code == SUCCESS else Outcome.REFUSED
