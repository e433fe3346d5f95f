"""Tell which process answered, so that a race can show that it was one between processes."""

import os

HEADER = "X-Worker"


def name_worker(get_response):
    def middleware(request):
        response = get_response(request)
        response[HEADER] = str(os.getpid())
        return response

    return middleware
