"""Policies: the host says whether a code for a purpose may go to a phone, and no answer may tell what it said.

A purpose with a policy prevents enumeration: it is answered before the platform is called, always in the same words.
Where the policy says no, a decoy is written: a verification like any other that no code can verify, and whose message
is not sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.module_loading import import_string

from django_ihuyi.conf import settings

#: What the send log shows as fault of a message that the policy kept back.
FAULT = "policy"

Policy = Callable[[Any], bool]


def prevents_enumeration(purpose: str) -> bool:
    """Say whether a purpose has a policy; a notice, whose purpose is empty, has none."""
    return bool(settings.PURPOSES.get(purpose, {}).get("POLICY"))


def load_policy(purpose: str) -> Policy:
    """Return the policy of a purpose, one that always says yes where it has none. Raises ImportError."""
    path = settings.PURPOSES[purpose].get("POLICY")
    return import_string(path) if path else _say_yes


def _say_yes(wanted: object) -> bool:  # noqa: ARG001 - as every policy
    return True
