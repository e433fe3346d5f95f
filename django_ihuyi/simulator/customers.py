"""The platform's accounts with their balances, and the numbers that each has sent to."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace

from django_ihuyi.simulator.accounts import NOBODY, Account
from django_ihuyi.simulator.addresses import check_push_url
from django_ihuyi.simulator.phones import Phone
from django_ihuyi.simulator.products import Endpoint

Key = tuple[str, str]


class Customers:
    """The simulator's accounts, which can change while it runs. Threads may share it.

    `lock` is the simulator's own and must be reentrant: the simulator calls these methods while it holds the lock.
    """

    def __init__(self, accounts: Iterable[Account], lock: threading.Condition, *, allow_remote: bool) -> None:
        self._initial = tuple(accounts)
        self._lock = lock
        self._allow_remote = allow_remote
        self.reset()

    def reset(self) -> None:
        """Restore the accounts of the start: nothing is spent, and the black list is empty."""
        with self._lock:
            self._accounts: dict[Key, Account] = {}
            self._phones: dict[tuple[str, str, str], Phone] = {}
            for account in self._initial:
                self.put(account)

    def put(self, account: Account) -> None:
        """Add or replace an account; raise ValueError for a URL that pushes may not go to."""
        for url in filter(None, (account.receipt_url, account.reply_url)):
            check_push_url(url, allow_remote=self._allow_remote)
        with self._lock:
            self._accounts[account.product, account.account] = account

    def accounts(self) -> list[Account]:
        """Return all accounts; `balance` is the units left."""
        with self._lock:
            return list(self._accounts.values())

    def find(self, product: str, name: str) -> Account:
        """Return an account with its present balance, or `NOBODY`."""
        with self._lock:
            return self._accounts.get((product, name), NOBODY)

    def choose(self, endpoints: Sequence[Endpoint], name: str) -> Endpoint:
        """Return the endpoint whose product has this account, or else the first."""
        own = (endpoint for endpoint in endpoints if self.find(endpoint.product.name, name) is not NOBODY)
        return next(own, endpoints[0])

    def spend(self, account: Account, units: int) -> None:
        """Subtract units from an account's balance."""
        with self._lock:
            self._accounts[account.product, account.account] = replace(account, balance=account.balance - units)

    def phone(self, account: Account, mobile: str) -> Phone:
        """Return a number's record at an account; a new one is stored only by `keep`."""
        with self._lock:
            return self._phones.get((account.product, account.account, mobile)) or Phone()

    def keep(self, account: Account, mobile: str, phone: Phone) -> None:
        """Store a number."""
        with self._lock:
            self._phones[account.product, account.account, mobile] = phone

    def blacklist(self) -> list[tuple[Account, str]]:
        """Return the numbers on the black list, each with its account."""
        with self._lock:
            return [
                (self._accounts[product, name], mobile)
                for (product, name, mobile), phone in self._phones.items()
                if phone.is_blacklisted
            ]

    def set_blacklisted(self, mobile: str, *, listed: bool, account: str | None = None) -> None:
        """Put a number on the black list of one account (None: of all), or lift it."""
        with self._lock:
            chosen = [known for known in self._accounts.values() if account in (None, known.account)]
            if not chosen:
                raise ValueError("there is no such account")
            for known in chosen:
                phone = self.phone(known, mobile)
                if listed:
                    phone.is_blacklisted = True
                else:
                    phone.lift()
                self.keep(known, mobile, phone)
