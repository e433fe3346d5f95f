"""System checks: one function a finding, ids that stay. `manage.py check --deploy` runs them all."""

from django_ihuyi.checks import (
    accounts,
    budgets,
    captchas,
    channels,
    databases,
    dispatchers,
    fixed_codes,
    limits,
    names,
    policies,
    retention,
    samples,
    site,
    texts,
    webhooks,
)
from django_ihuyi.checks.findings import FINDINGS, TAG, Finding

__all__ = [
    "FINDINGS",
    "TAG",
    "Finding",
    "accounts",
    "budgets",
    "captchas",
    "channels",
    "databases",
    "dispatchers",
    "fixed_codes",
    "limits",
    "names",
    "policies",
    "retention",
    "samples",
    "site",
    "texts",
    "webhooks",
]
