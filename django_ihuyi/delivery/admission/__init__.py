"""Admission control: whether the platform may be called now. One that hangs, is down or refuses us costs a site little.

- `permit`: `acquire_permit`, which lets one call through
- `bulkhead`: how many threads of a process may wait for the platform
- `circuit_breaker`: what a call shows of the platform; when a process stops calling, and when it tries again
"""

from django_ihuyi.delivery.admission.permit import forget

__all__ = ["forget"]
