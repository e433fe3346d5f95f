"""A request as the rules see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django_ihuyi.simulator.accounts import Account, Limits
from django_ihuyi.simulator.phones import Phone
from django_ihuyi.simulator.products import Action, Product
from django_ihuyi.simulator.texts import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request for one action of one product."""

    product: Product
    #: None: a method that the platform does not have.
    action: Action | None
    form: Mapping[str, str]
    peer: str = "127.0.0.1"
    verb: str = "POST"
    path: str = ""

    @property
    def mobile(self) -> str:
        """Return the request's number, or its list of numbers."""
        return self.form.get("mobile", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The settings of the platform that hold for all accounts."""

    has_limits: bool
    time_tolerance: float
    blocked_addresses: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A call and one number of it, with everything that the rules need."""

    call: Call
    account: Account
    mobile: str
    #: How many numbers the call names.
    numbers: int
    phone: Phone
    text: Text
    limits: Limits
    now: float
    policy: Policy

    def value(self, name: str) -> str:
        """Return a parameter, or an empty text if it is missing."""
        return self.call.form.get(name, "")


#: Returns the result code of a refusal, or None to let the attempt pass.
Rule = Callable[[Attempt], "int | None"]
