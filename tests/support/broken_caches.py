"""Caches that misbehave."""

from django.core.cache.backends.dummy import DummyCache


class ForgetfulCache(DummyCache):
    """Adds nothing and has nothing to count up, without ever raising the error of a connection."""

    def add(self, *args, **kwargs):
        return False

    def incr(self, key, delta=1, version=None):
        raise ValueError(f"Key {key!r} not found")
