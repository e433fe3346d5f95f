"""Caches that misbehave."""

from django.core.cache.backends.dummy import DummyCache


class ForgetfulCache(DummyCache):
    """Adds no key and finds none to increment, but raises no connection error."""

    def add(self, *args, **kwargs):
        return False

    def incr(self, key, delta=1, version=None):
        raise ValueError(f"Key {key!r} not found")
