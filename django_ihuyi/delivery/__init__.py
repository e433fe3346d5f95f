"""The life of a message, from the choice of its route to its receipt (docs/explanation/delivery).

- `notices`, `bulk`: send one notice, or one to many numbers
- `routing`: the channel and the route of a message, decided once
- `reservation`: the limits decide, and an admitted message is written
- `dispatch`: a written message takes its route, now or after the commit; `dispatchers/` are the queues
- `in_process`: threads of this process, which call the platform after the answer
- `queue`: a queued message is taken by one worker, or withdrawn; `worker`: the tasks of a queue
- `admission/`: may the platform be called now?
- `call`: one call of a backend
- `outcomes`: every end of a message, and the error that its caller gets
- `receipts`: receipts and replies that the platform pushes
- `recovery`: the messages that dead workers left are ended
"""

from django_ihuyi.delivery.bulk import Row, SendManyResult, send_many
from django_ihuyi.delivery.notices import send

__all__ = ["Row", "SendManyResult", "send", "send_many"]
