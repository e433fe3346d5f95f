"""Tell which process answered, so that a race can show that it was one between processes, and how long it took."""

import os
import time

HEADER = "X-Worker"
SECONDS = "X-Seconds"


def name_worker(get_response):
    def middleware(request):
        began = time.monotonic()
        response = get_response(request)
        response[HEADER] = str(os.getpid())
        response[SECONDS] = f"{time.monotonic() - began:.3f}"
        return response

    return middleware
