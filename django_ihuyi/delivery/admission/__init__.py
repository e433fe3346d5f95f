"""Admission control: decide whether the platform may be called now, so that its outages do not block the site.

- `permit`: `acquire_permit`, which lets one call through
- `bulkhead`: how many threads of a process may wait for the platform
- `circuit_breaker`: the platform's health, as calls show it; when a process stops calling, and when it tries again
"""

from django_ihuyi.delivery.admission.permit import forget

__all__ = ["forget"]
