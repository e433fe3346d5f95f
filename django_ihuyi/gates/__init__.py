"""What stands before a call of the platform, so that one that hangs, is down or refuses us costs a site little.

- `admissions`: `admitted`, which lets one call through
- `bulkhead`: how many threads of a process may wait for the platform
- `breaker`: when a process stops calling, and when it tries again
- `lessons`: what a call's outcome says of the platform
"""

from django_ihuyi.gates.admissions import PATIENCE, STANDSTILL, Admission, admitted, forget

__all__ = ["PATIENCE", "STANDSTILL", "Admission", "admitted", "forget"]
