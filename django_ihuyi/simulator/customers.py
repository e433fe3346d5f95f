"""What an operator at the platform does for customers: file accounts, change them, lift the black list."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

from django_ihuyi.simulator.accounts import NOBODY, Account
from django_ihuyi.simulator.addresses import check_push_url
from django_ihuyi.simulator.products import Endpoint
from django_ihuyi.simulator.state import State


class Customers:
    """The simulator's accounts at run time; a reset takes all changes back."""

    def __init__(self, state: State, lock: threading.Condition, *, allow_remote: bool) -> None:
        self._state = state
        self._lock = lock
        self._allow_remote = allow_remote

    def accounts(self) -> list[tuple[Account, int]]:
        """Return all accounts, with what each has left."""
        with self._lock:
            ledger = self._state.ledger
            return [(account, ledger.balance(account)) for account in ledger.accounts()]

    def find(self, product: str, name: str) -> Account | None:
        """Return an account with the balance that it has now."""
        known = ((replace(account, balance=left), account) for account, left in self.accounts())
        return next((now for now, account in known if (account.product, account.account) == (product, name)), None)

    def put(self, account: Account) -> None:
        """Add an account, or change it; raise ValueError for a URL that pushes may not go to."""
        check_urls(account, allow_remote=self._allow_remote)
        with self._lock:
            self._state.ledger.put(account)

    def choose(self, endpoints: Sequence[Endpoint], name: str) -> Endpoint:
        """Return the endpoint whose product has this account; where none has, the first."""
        with self._lock:
            find = self._state.ledger.find
            own = (endpoint for endpoint in endpoints if find(endpoint.product.name, name) is not NOBODY)
            return next(own, endpoints[0])

    def blacklist(self) -> list[tuple[Account, str]]:
        """Return the numbers on the black list, each with the account that put it there."""
        with self._lock:
            return self._state.ledger.blacklist()

    def set_blacklisted(self, mobile: str, *, listed: bool, account: str | None = None) -> None:
        """Put a number on the black list of all accounts, or of one, or lift it from there."""
        with self._lock:
            ledger = self._state.ledger
            chosen = [known for known in ledger.accounts() if account in (None, known.account)]
            if not chosen:
                raise ValueError("there is no such account")
            for known in chosen:
                ledger.set_blacklisted(known, mobile, listed=listed)


def check_urls(account: Account, *, allow_remote: bool) -> None:
    """Raise ValueError unless receipts and replies may be pushed where the account wants them."""
    for url in filter(None, (account.receipt_url, account.reply_url)):
        check_push_url(url, allow_remote=allow_remote)
