"""The life of a message, from what may be sent to what became of it.

- `notices`, `bulk`: what a host sends: one notice, or one to many numbers
- `channels`: which channel reaches a phone
- `reservation`: the limits decide, and what they admit is written
- `dispatch`: this process or a worker, now or after the commit; `dispatchers/` are the queues
- `in_process`: this process's own threads, which call after the answer
- `queue`: a message that waits is taken by one worker, or withdrawn; `worker`: what a queue's tasks do
- `admission/`: may the platform be called now?
- `call`: one call of a backend
- `outcomes`: every end of a message, and what its caller is told
- `receipts`: what the platform pushes
- `recovery`: what dead workers leave gets an end
"""

from django_ihuyi.delivery.bulk import Row, SendManyResult, send_many
from django_ihuyi.delivery.notices import send

__all__ = ["Row", "SendManyResult", "send", "send_many"]
