"""The platform's imitation in the same process: real client, real protocol, no socket and no account."""

from __future__ import annotations

from functools import cache
from typing import Any

from django_ihuyi.backends.ihuyi import IhuyiBackend
from django_ihuyi.client.http import Client
from django_ihuyi.client.wsgi import WSGIAdapter
from django_ihuyi.conf import settings
from django_ihuyi.message_templates import PLACE
from django_ihuyi.simulator import Account, Simulator, Template
from django_ihuyi.simulator.accounts import TRIAL_TEMPLATES, VARIABLE
from django_ihuyi.simulator.app import SimulatorApp
from django_ihuyi.simulator.products import PRODUCTS as SIMULATED_PRODUCTS


@cache
def get_app() -> SimulatorApp:
    """Return this process's simulator of all products, where all templates of the site count as filed and approved."""
    templates = _filed_templates()
    accounts = [Account(product=product.name, templates=templates) for product in SIMULATED_PRODUCTS]
    return SimulatorApp(Simulator(accounts=accounts))


class SimulatorBackend(IhuyiBackend):
    """Send to the simulator of this process. Options: those of `IhuyiBackend`, none of which is needed."""

    shows_codes = True

    def make_client(self, *, product: str = "sms", **options: Any) -> Client:
        """Return a client of the simulator's default account; at the platform's own address, but nothing gets there."""
        defaults = {
            "account": "C00000001",
            "api_key": "0123456789abcdef0123456789abcdef",
            "adapter": WSGIAdapter(get_app()),
        }
        return Client(product=product, **{**defaults, **options})


def _filed_templates() -> tuple[Template, ...]:
    own = (
        Template(id=template.get("ID", f"text of {name}"), text=PLACE.sub(VARIABLE, template["TEXT"]))
        for name, template in settings.TEMPLATES.items()
    )
    filed = {template.id: template for template in (*TRIAL_TEMPLATES, *own)}
    return tuple(filed.values())
