"""The platform's imitation in the same process: real client, real protocol, no socket and no account."""

from __future__ import annotations

from functools import cache
from typing import Any

from django_ihuyi.backends.ihuyi import IhuyiBackend
from django_ihuyi.client.http import Client
from django_ihuyi.client.wsgi import WSGIAdapter
from django_ihuyi.conf import settings
from django_ihuyi.simulator import Account, Simulator, Template
from django_ihuyi.simulator.accounts import TRIAL_TEMPLATES, VARIABLE
from django_ihuyi.simulator.app import SimulatorApp


@cache
def get_app() -> SimulatorApp:
    """Return this process's simulator, where all templates of the site count as filed and approved."""
    return SimulatorApp(Simulator(accounts=[Account(templates=_filed_templates())]))


class SimulatorBackend(IhuyiBackend):
    """Send to the simulator of this process. Options: those of `client.Client`."""

    shows_codes = True

    def make_client(self, **options: Any) -> Client:
        """Return a client of the simulator's default account."""
        defaults = {
            "account": "C00000001",
            "api_key": "0123456789abcdef0123456789abcdef",
            "url": "http://simulator.invalid/webservice/sms.php",
            "adapter": WSGIAdapter(get_app()),
        }
        return Client(**{**defaults, **options})


def _filed_templates() -> tuple[Template, ...]:
    own = (
        Template(id=template.get("ID", f"text of {name}"), text=template["TEXT"].replace("{code}", VARIABLE))
        for name, template in settings.TEMPLATES.items()
    )
    filed = {template.id: template for template in (*TRIAL_TEMPLATES, *own)}
    return tuple(filed.values())
