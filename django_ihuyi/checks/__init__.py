"""System checks: one function a finding, with stable ids. `manage.py check --deploy` runs them all."""

# Importing a module registers its findings.
from django_ihuyi.checks import (  # noqa: F401
    accounts,
    budgets,
    captchas,
    channels,
    databases,
    dispatchers,
    fixed_codes,
    limits,
    names,
    proxies,
    retention,
    samples,
    site,
    texts,
    webhooks,
)
from django_ihuyi.checks.findings import FINDINGS, TAG, Finding

__all__ = ["FINDINGS", "TAG", "Finding"]
