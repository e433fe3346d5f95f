"""end_waits: a frozen PostgreSQL server cannot enforce its own time-out."""

import copy
import weakref

import pytest
from django.db import OperationalError, connection, connections

from django_ihuyi.database.postgresql import end_waits

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="it is PostgreSQL's affair"),
]

#: A server without a time-out is as silent as a frozen one.
FORGET = "SET statement_timeout = 0"


@pytest.fixture
def connect():
    """Make a new connection whose statements have a time-out."""
    made, processes = [], []

    def connect(promise):
        settings = copy.deepcopy(connection.settings_dict)
        settings["OPTIONS"]["options"] = f"-c statement_timeout={promise}"
        another = type(connections["default"])(settings, "default")
        another.connect()
        end_waits(type(another), connection=another)
        made.append(another)
        processes.append(another.connection.info.backend_pid)
        return another

    yield connect
    for another in made:
        another.close()
    with connection.cursor() as cursor:
        # The server has not yet noticed that a connection was closed.
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ANY(%s)", [processes])


def ask(another, *statements):
    with another.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchone()


@pytest.mark.parametrize("promise", ["100", "100ms", "0.1s"])
def test_a_connection_is_closed_if_the_server_exceeds_its_time_out(connect, promise):
    another = connect(promise)

    with pytest.raises(OperationalError, match="does not answer"):
        ask(another, FORGET, "SELECT pg_sleep(60)")
    assert not another.is_usable()


def test_a_connection_stays_open_if_the_server_keeps_its_time_out(connect):
    another = connect("100")

    with pytest.raises(OperationalError, match="statement timeout"):
        ask(another, "SELECT pg_sleep(60)")
    assert another.is_usable()


def test_a_connection_without_a_time_out_is_waited_for(connect):
    assert ask(connect("0"), "SELECT pg_sleep(0.8)") == ("",)


def test_two_signals_for_one_connection_bound_it_once(connect):
    another = connect("100")
    wait = another.connection.wait
    end_waits(type(another), connection=another)

    assert another.connection.wait is wait


def test_an_abandoned_connection_is_freed(connect):
    another = connect("100")
    raw = weakref.ref(another.connection)
    another.connection.close()
    another.connection = None

    assert raw() is None
