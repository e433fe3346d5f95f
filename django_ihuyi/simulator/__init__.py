"""An imitation of the platform, for development and tests: start at `Simulator`."""

from __future__ import annotations

from django_ihuyi.simulator.accounts import Account, Limits, Template
from django_ihuyi.simulator.app import SimulatorApp
from django_ihuyi.simulator.pushes import Fate, PushPlan
from django_ihuyi.simulator.simulator import Simulator

__all__ = ["Account", "Fate", "Limits", "PushPlan", "Simulator", "SimulatorApp", "Template"]
