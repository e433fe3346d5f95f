"""The platform's imitation in the same process: real client, real protocol, no socket and no account."""

from __future__ import annotations

from typing import Any

from django_ihuyi.backends.ihuyi import IhuyiBackend
from django_ihuyi.client.http import Client
from django_ihuyi.client.wsgi import WSGIAdapter
from django_ihuyi.simulator import Simulator
from django_ihuyi.simulator.app import SimulatorApp

#: What this process's messages arrive in; its pages are served by `django_ihuyi.views.simulator`.
app = SimulatorApp(Simulator())


class SimulatorBackend(IhuyiBackend):
    """Send to the simulator of this process. Options: those of `client.Client`."""

    shows_codes = True

    def make_client(self, **options: Any) -> Client:
        """Return a client of the simulator's default account."""
        return Client(
            **{
                "account": "C00000001",
                "api_key": "0123456789abcdef0123456789abcdef",
                "url": "http://simulator.invalid/webservice/sms.php",
                "adapter": WSGIAdapter(app),
                **options,
            }
        )
