"""A road to the platform on which a request takes anything between no time and half a second, or another time."""

import contextlib
import random
import time

from tests.proofs.support.proxies import road

LONGEST = 0.5


@contextlib.contextmanager
def jittering(platform_url, *, longest=LONGEST):
    """Pass requests on to the platform after 0 to 500 ms; yields the address to use in its place."""

    def travel(handler, form):
        time.sleep(random.uniform(0, longest))
        handler.pass_on(form)

    with road(platform_url, travel) as url:
        yield url
