"""The client: call the platform, return every failure as a value, and never send a message twice."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from time import monotonic

from requests.adapters import BaseAdapter

from django_ihuyi.client.endpoint import check_endpoint, check_path, is_v2, method_url
from django_ihuyi.client.exchange import Exchange, PlatformClock, prepare
from django_ihuyi.client.outcomes import FAULTS, Balance, Fault, Outcome, Submission
from django_ihuyi.client.probe import Way, probe
from django_ihuyi.client.products import check_owner, get_product
from django_ihuyi.client.protocol import (
    SUCCESS,
    Answer,
    build_form,
    clean,
    parse_balance,
    parse_submit,
    secrets_of,
)
from django_ihuyi.client.resolver import Lookup
from django_ihuyi.client.results import Scope, describe
from django_ihuyi.exceptions import InvalidAnswer


class Client:
    """One account of one of the platform's products. Threads may share it, and it survives a fork.

    Without `url` it calls the product's default address. `allowed_hosts`, `allow_loopback` and `allow_http` are those
    of `endpoint.check_endpoint`. With `adapter`, one of requests' kind, all requests go through that adapter.
    """

    def __init__(
        self,
        *,
        account: str,
        api_key: str,
        product: str = "sms",
        url: str | None = None,
        format: str = "json",
        dynamic_password: bool = True,
        connect_timeout: float = 3.0,
        total_timeout: float = 8.0,
        verify: bool | str = True,
        allowed_hosts: Collection[str] = (),
        allow_loopback: bool = False,
        allow_http: bool = False,
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
        if allow_http and not dynamic_password:
            raise ValueError("with allow_http the key itself must not travel: leave dynamic_password on")
        self.account = account
        self.product = get_product(product)
        self.url = url = self.product.urls[0] if url is None else url
        if adapter is None:
            check_endpoint(url, allowed_hosts=allowed_hosts, allow_loopback=allow_loopback, allow_http=allow_http)
        else:
            check_path(url)
        check_owner(url, self.product)
        # The second version always answers in JSON, so its form names no format.
        self.format = "json" if is_v2(url) else format
        self._form_format = None if is_v2(url) else format
        self._api_key = api_key
        self._dynamic_password = dynamic_password
        # A little less, so that the time to close and report the call is within `total_timeout`, too.
        self._time_allowed = total_timeout * 0.97
        self._clock = PlatformClock(clock)
        self._requests = {method: prepare(method_url(url, method)) for method in ("Submit", "GetNum")}
        self._exchange = Exchange(connect_timeout=connect_timeout, verify=verify, lookup=lookup, adapter=adapter)
        get_num = method_url(url, "GetNum")
        look = partial(probe, get_num, verify=verify, lookup=lookup, timeout=connect_timeout, clock=clock)
        self._probe = look if adapter is None else None

    def __repr__(self) -> str:
        return f"<Client {self.account} at {self.url}>"

    def __getstate__(self) -> object:
        raise TypeError("a client holds a key and is never pickled: make one where it is needed")

    def submit(
        self,
        *,
        mobile: str,
        content: str,
        template_id: str | None = None,
        send_at: int | None = None,
    ) -> Submission:
        """Submit one message; with `template_id`, `content` is the variables joined by "|".

        For the product `voice_code`, `content` is the digits alone. For `marketing`, `mobile` may be several numbers
        joined by commas, and `send_at` a time in Unix seconds.
        """
        if not self.product.is_bulk and ("," in mobile or send_at is not None):
            raise ValueError(f"the product {self.product.name!r} takes one number, and sends at once")
        started = monotonic()
        build = partial(build_form, mobile=mobile, content=content, template_id=template_id, send_at=send_at)
        parse = partial(parse_submit, id_field=self.product.id_field)
        answer = self._ask("Submit", build, parse, deadline=started + self._time_allowed)
        elapsed = monotonic() - started
        if isinstance(answer, Fault):
            return Submission(outcome=answer.outcome, code=None, text=answer.text, fault=answer.slug, elapsed=elapsed)
        return Submission(
            outcome=_outcome(answer.code),
            code=answer.code,
            text=answer.text,
            fault="clock_skew" if _is_about_clock(answer.code) else "",
            platform_id=answer.platform_id,
            elapsed=elapsed,
        )

    def get_balance(self) -> Balance:
        """Return how many messages the account has left."""
        started = monotonic()
        answer = self._ask("GetNum", build_form, parse_balance, deadline=started + self._time_allowed)
        elapsed = monotonic() - started
        if isinstance(answer, Fault):
            return Balance(
                outcome=answer.outcome, code=None, text=answer.text, fault=answer.slug, elapsed=elapsed, units=None
            )
        return Balance(
            outcome=_outcome(answer.code),
            code=answer.code,
            text=answer.text,
            elapsed=elapsed,
            units=answer.units,
        )

    def probe(self) -> Way | None:
        """Test the connection to the platform, and compare the clocks, without naming the account.

        Return None with an adapter: there is no connection to test.
        """
        return self._probe() if self._probe else None

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._exchange.close()

    def _ask(
        self,
        method: str,
        build: Callable[..., dict[str, str]],
        parse: Callable[..., Answer],
        *,
        deadline: float,
        may_learn: bool = True,
    ) -> Answer | Fault:
        told = self._clock.now()
        time = str(told) if self._dynamic_password else None
        form: dict[str, str] = build(account=self.account, api_key=self._api_key, time=time, format=self._form_format)
        reply = self._exchange.post(self._requests[method], form, deadline=deadline)
        if isinstance(reply, Fault):
            return reply
        try:
            answer = parse(reply.body, format=self.format)
        except InvalidAnswer:
            return FAULTS["answer_invalid"]
        # The clock learns even if it is too late for a retry: the next call is then signed with the right time.
        is_late = monotonic() > deadline
        if (
            _is_about_clock(answer.code)
            and time
            and may_learn
            and self._clock.learn(reply.date, told=told)
            and not is_late
        ):
            # The first try was a refusal, so nothing can be sent twice.
            return self._ask(method, build, parse, deadline=deadline, may_learn=False)
        # The text may echo the request.
        return replace(answer, text=clean(answer.text, secrets=(self._api_key, *secrets_of(form))))


def _is_about_clock(code: int) -> bool:
    """Return True if the platform refused a dynamic password whose time is too far from its own."""
    return describe(code).scope is Scope.CLOCK


def _outcome(code: int) -> Outcome:
    return Outcome.ACCEPTED if code == SUCCESS else Outcome.REFUSED
