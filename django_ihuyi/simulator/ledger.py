"""Who the customers are, what they have left, and what is remembered of each number."""

from __future__ import annotations

from collections.abc import Iterable

from django_ihuyi.simulator.accounts import NOBODY, Account
from django_ihuyi.simulator.phones import Phone

Key = tuple[str, str]


class Ledger:
    """The platform's books; whoever uses them holds the simulator's lock."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._initial = tuple(accounts)
        self.reset()

    def reset(self) -> None:
        """Go back to the accounts as they were at the start, with nothing spent and nobody on the black list."""
        self._accounts: dict[Key, Account] = {}
        self._balances: dict[Key, int] = {}
        self._phones: dict[tuple[str, str, str], Phone] = {}
        for account in self._initial:
            self.put(account)

    def put(self, account: Account) -> None:
        """Add an account, or change it and what it has left."""
        self._accounts[_key(account)] = account
        self._balances[_key(account)] = account.balance

    def accounts(self) -> list[Account]:
        """Return all accounts."""
        return list(self._accounts.values())

    def find(self, product: str, name: str) -> Account:
        """Return an account, or `NOBODY`."""
        return self._accounts.get((product, name), NOBODY)

    def balance(self, account: Account) -> int:
        """Return how many messages an account has left."""
        return self._balances.get(_key(account), 0)

    def spend(self, account: Account, units: int) -> None:
        """Take messages from an account's balance."""
        self._balances[_key(account)] -= units

    def phone(self, account: Account, mobile: str) -> Phone:
        """Return what an account's number has behind it; a new number is forgotten unless it is kept."""
        return self._phones.get((*_key(account), mobile)) or Phone()

    def keep(self, account: Account, mobile: str, phone: Phone) -> None:
        """Remember a number."""
        self._phones[(*_key(account), mobile)] = phone

    def blacklist(self) -> list[tuple[Account, str]]:
        """Return the numbers that are on the black list."""
        return [
            (self._accounts[product, name], mobile)
            for (product, name, mobile), phone in self._phones.items()
            if phone.is_blacklisted
        ]

    def set_blacklisted(self, account: Account, mobile: str, *, listed: bool) -> None:
        """Put a number on an account's black list, or take it off."""
        phone = self.phone(account, mobile)
        if listed:
            phone.is_blacklisted = True
        else:
            phone.lift()
        self.keep(account, mobile, phone)


def _key(account: Account) -> Key:
    return account.product, account.account
