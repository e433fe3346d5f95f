"""Faults on demand: all ways in which an answer can go wrong, one small function each."""

from __future__ import annotations

from collections.abc import Mapping

from django_ihuyi.simulator.faults.base import Fault, FaultOrder, Usual
from django_ihuyi.simulator.faults.documents import DOCUMENT_FAULTS
from django_ihuyi.simulator.faults.statuses import STATUS_FAULTS
from django_ihuyi.simulator.faults.wire import WIRE_FAULTS

__all__ = ["FAULTS", "Fault", "FaultOrder", "Usual"]

FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in (*WIRE_FAULTS, *STATUS_FAULTS, *DOCUMENT_FAULTS)}
