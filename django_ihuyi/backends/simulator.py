"""A backend that sends to a simulator in this process: real client, real protocol, no socket and no account."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from django_ihuyi.backends.ihuyi import IhuyiBackend
from django_ihuyi.client.http import Client
from django_ihuyi.client.products import get_product
from django_ihuyi.client.wsgi import WSGIAdapter
from django_ihuyi.conf import settings
from django_ihuyi.simulator import Account, Simulator, Template
from django_ihuyi.simulator.accounts import TRIAL_ACCOUNTS, VARIABLE, trial_account
from django_ihuyi.simulator.app import SimulatorApp
from django_ihuyi.texts.templates import PLACE

__all__ = ["SimulatorBackend", "get_app"]


@cache
def get_app() -> SimulatorApp:
    """Return this process's simulator of all products, with all templates of the site filed and approved."""
    return SimulatorApp(Simulator(accounts=[_file_templates(account) for account in TRIAL_ACCOUNTS]))


class SimulatorBackend(IhuyiBackend):
    """Send to the simulator of this process. Options: those of `IhuyiBackend`, none of which is needed."""

    shows_codes = True

    def make_client(self, *, product: str = "sms", **options: Any) -> Client:
        """Return a client of the product's trial account. Its requests go to the simulator, whatever the address."""
        trial = trial_account(get_product(product).name)
        defaults = {"account": trial.account, "api_key": trial.api_key, "adapter": WSGIAdapter(get_app())}
        return Client(product=product, **{**defaults, **options})


def _file_templates(account: Account) -> Account:
    # A template without ID is sent as text, and the simulator compares texts; its id there only has to be unique.
    own = (
        Template(id=template.get("ID", f"text of {name}"), text=PLACE.sub(VARIABLE, template["TEXT"]))
        for name, template in settings.TEMPLATES.items()
    )
    filed = {template.id: template for template in (*account.templates, *own)}
    return replace(account, templates=tuple(filed.values()))
