"""How long what is kept (RETENTION): erase what is due, hand out or erase what is held about one number."""

from django_ihuyi.retention.periods import UNLIMITED, period
from django_ihuyi.retention.purging import BATCH_SIZE, Batch, purge
from django_ihuyi.retention.steps import STEPS, Step
from django_ihuyi.retention.subjects import export, forget

__all__ = ["BATCH_SIZE", "STEPS", "UNLIMITED", "Batch", "Step", "export", "forget", "period", "purge"]
