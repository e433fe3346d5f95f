"""Admission control: whether the platform may be called now. One that hangs, is down or refuses us costs a site little.

- `permit`: `acquire_permit`, which lets one call through
- `bulkhead`: how many threads of a process may wait for the platform
- `circuit_breaker`: when a process stops calling, and when it tries again
- `health`: what a call's outcome says of the platform
- `ceiling`: how many messages may leave by an account within a second
"""

from django_ihuyi.delivery.admission.permit import forget

__all__ = ["forget"]
