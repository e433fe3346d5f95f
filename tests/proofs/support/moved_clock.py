"""A clock that a proof sets: for this process, and for every connection to its PostgreSQL database.

`let_pass` moves stored times, and so knows every table and visits every row. This moves the clocks instead: the limits
of the cache, signed times and whatever else looks at one follow by themselves.
"""

import contextlib

import time_machine
from django.db import connection

#: A function of this schema is found before PostgreSQL's own of the same name.
SCHEMA = "moved_clock"
SEARCH_PATH = f"-c search_path={SCHEMA},pg_catalog,public"
#: A sequence, because its value is seen by all connections at once, and setting it leaves no dead rows behind.
MAKE = f"""
DROP SCHEMA IF EXISTS {SCHEMA} CASCADE;
CREATE SCHEMA {SCHEMA};
CREATE SEQUENCE {SCHEMA}.microseconds;
CREATE FUNCTION {SCHEMA}.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
    AS 'SELECT to_timestamp(last_value / 1e6) FROM {SCHEMA}.microseconds';
"""


class MovedClock:
    """Both clocks. They stand still between two calls of `move_to`."""

    def __init__(self, traveller):
        self._traveller = traveller
        self.now = 0.0

    def move_to(self, moment):
        """Set both clocks to a moment, in seconds since the epoch."""
        self.now = moment
        self._traveller.move_to(moment)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT setval('{SCHEMA}.microseconds', {int(moment * 1e6)})")


@contextlib.contextmanager
def moved_clock(moment):
    """Stop the clocks at a moment; yield the MovedClock that sets them."""
    with connection.cursor() as cursor:
        cursor.execute(MAKE)
    options = connection.settings_dict["OPTIONS"]
    before = options.get("options", "")
    try:
        # Connections of other threads take their options from the same dict.
        options["options"] = f"{before} {SEARCH_PATH}"
        connection.close()
        with time_machine.travel(moment, tick=False) as traveller:
            clock = MovedClock(traveller)
            clock.move_to(moment)
            yield clock
    finally:
        options["options"] = before
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


class Timeline:
    """Acts at their times, in order. An act is called with the time, and returns the time of its next turn or None."""

    def __init__(self, clock):
        self._clock = clock
        self._acts = []

    def add(self, moment, act):
        self._acts.append((moment, act))

    def run(self, until):
        """Run all acts that are due before a moment; later ones remain."""
        while self._acts:
            place = min(range(len(self._acts)), key=lambda index: self._acts[index][0])
            moment, act = self._acts[place]
            if moment >= until:
                break
            del self._acts[place]
            self._clock.move_to(moment)
            again = act(moment)
            if again is not None:
                self.add(again, act)
        self._clock.move_to(until)
