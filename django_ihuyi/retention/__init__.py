"""How long what is kept (RETENTION): erase what is due, hand out or erase what is held about one number."""

from django_ihuyi.retention.purging import Batch, purge
from django_ihuyi.retention.subjects import export, forget

__all__ = ["Batch", "export", "forget", "purge"]
