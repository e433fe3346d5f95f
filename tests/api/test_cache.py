"""The cache's part: it counts exactly, and one that hangs is waited for once."""

import socket
import threading
import time

import pytest
from django.core.cache import cache

from django_ihuyi.guards.cached_rates import CacheDown, api_request, count_in_cache
from django_ihuyi.rates import Rate

TIMEOUT = 0.25
A_DAY = Rate(limit=50, period=86_400)


@pytest.fixture
def _hanging_cache(settings):
    """A Redis that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        settings.CACHES = {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": f"redis://127.0.0.1:{server.getsockname()[1]}",
                "OPTIONS": {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT},
            }
        }
        yield


def use(key="203.0.113.7"):
    return count_in_cache(group="send.client", key=key, rate=A_DAY, increment=True)


def disconnect(cache):
    """Close a thread's connections to Redis, if it is Redis; Django's cache leaves that to the garbage collector."""
    for pool in getattr(cache._cache, "_pools", {}).values():
        pool.disconnect()


def test_of_200_parallel_requests_as_many_pass_as_the_rate_says(figure):
    waits = []

    def volley():
        waits.extend(use() for _ in range(10))
        disconnect(cache)

    threads = [threading.Thread(target=volley) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    figure("edge", f"{waits.count(0)} of 200 parallel requests within a rate of {A_DAY.limit}")
    assert waits.count(0) == A_DAY.limit
    assert use(key="203.0.113.8") == 0


def test_a_request_is_not_counted_without_increment():
    ask = {"group": "send.client", "key": "203.0.113.7", "rate": Rate(limit=1, period=86_400)}

    looks = [count_in_cache(**ask, increment=False) for _ in range(3)]
    uses = [count_in_cache(**ask, increment=True) for _ in range(2)]

    assert looks == [0, 0, 0]
    assert uses[0] == 0
    assert 0 < uses[1] <= 86_400
    assert count_in_cache(**ask, increment=False) == pytest.approx(uses[1], abs=1)


@pytest.mark.usefixtures("_hanging_cache")
@pytest.mark.django_db
@pytest.mark.proof
@pytest.mark.timed
def test_a_cache_that_hangs_delays_a_request_by_one_time_out(api, ihuyi):
    ihuyi(CLIENT_LIMITS={"send": ["1/m", "2/h", "3/d"]}, GLOBAL_LIMITS={"send": ["1/m", "9/d"]})
    api.status("x")  # a first request takes time of its own
    started = time.monotonic()

    statuses = [api.send("13800138000").status_code, api.send("13900139000").status_code]

    assert statuses == [202, 429]
    assert time.monotonic() - started < 4 * TIMEOUT


@pytest.mark.usefixtures("_hanging_cache")
def test_a_cache_that_failed_a_request_is_not_asked_again_for_it():
    with api_request():
        for reason in ("TimeoutError", "still"):
            with pytest.raises(CacheDown, match=reason):
                use()
    with pytest.raises(CacheDown, match="TimeoutError"):
        use()
