"""Retention periods: erase rows that are due; export or erase all data about one number."""

from django_ihuyi.retention.purging import Batch, purge
from django_ihuyi.retention.subjects import export, forget

__all__ = ["Batch", "export", "forget", "purge"]
