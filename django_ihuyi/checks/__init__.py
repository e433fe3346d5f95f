"""System checks: one function a finding, ids that stay. `manage.py check --deploy` runs them all."""

from django_ihuyi.checks import accounts, channels, databases, drafts, figures, names, site, texts
from django_ihuyi.checks.findings import FINDINGS, TAG, Finding

__all__ = [
    "FINDINGS",
    "TAG",
    "Finding",
    "accounts",
    "channels",
    "databases",
    "drafts",
    "figures",
    "names",
    "site",
    "texts",
]
