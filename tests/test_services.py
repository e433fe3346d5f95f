"""The throw-away servers answer while they are wanted, and leave nothing behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pymysql
import pytest
import redis

from example_project import databases
from tests import services

SCRIPT = Path(services.__file__)


@pytest.fixture
def open_folder():
    """pytest's own folders are closed to the unprivileged account that the servers run as."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def coordinates(url):
    entry = databases.from_url(url)
    return {"host": entry["HOST"], "port": int(entry["PORT"]), "user": entry["USER"], "password": entry["PASSWORD"]}


@pytest.mark.proof
def test_postgresql_takes_a_login_and_is_utf8():
    with services.running("postgresql") as [server], psycopg.connect(server.url) as connection:
        [encoding] = connection.execute("SHOW server_encoding").fetchone()

    assert encoding == "UTF8"


@pytest.mark.proof
def test_mariadb_takes_a_login_and_stores_emoji():
    with services.running("mariadb") as [server]:
        connection = pymysql.connect(**coordinates(server.url), database="ihuyi", charset="utf8mb4")
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE told (word TEXT)")
            cursor.execute("INSERT INTO told VALUES ('😀')")
            cursor.execute("SELECT word FROM told")
            [word] = cursor.fetchone()

    assert word == "😀"


@pytest.mark.proof
def test_redis_answers():
    with services.running("redis") as [server], redis.Redis.from_url(server.url) as client:
        answer = client.ping()

    assert answer is True


@pytest.mark.proof
def test_a_durable_server_comes_back_from_a_kill_with_what_was_committed():
    with services.running("postgresql", durable=True) as [server]:
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE told AS SELECT 'committed' AS word")
        server.process.kill()

        server.revive()

        with psycopg.connect(server.url) as connection:
            [word] = connection.execute("SELECT word FROM told").fetchone()

    assert word == "committed"


@pytest.mark.proof
def test_a_command_finds_the_addresses_and_its_exit_status_is_kept():
    question = "import os, sys; sys.exit(7 if os.environ['REDIS_URL'].startswith('redis://127.0.0.1:') else 1)"

    finished = subprocess.run([sys.executable, SCRIPT, "redis", "--", sys.executable, "-c", question])

    assert finished.returncode == 7


@pytest.fixture
def script(open_folder):
    """tests/services.py with Redis, started as a shell starts background jobs: deaf to SIGINT."""
    deafness = signal.signal(signal.SIGINT, signal.SIG_IGN)
    script = subprocess.Popen(
        [sys.executable, SCRIPT, "--json", "redis"],
        stdout=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(open_folder)},
    )
    signal.signal(signal.SIGINT, deafness)
    with script:
        yield script
        script.kill()


@pytest.mark.proof
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_when_it_is_ended(ending, script, open_folder):
    [url] = json.loads(script.stdout.readline()).values()
    port = int(url.rsplit(":", 1)[1].split("/")[0])
    answered_before = services.answers(port)

    script.send_signal(ending)
    script.wait(timeout=60)

    assert answered_before
    assert not services.answers(port)
    assert list(open_folder.iterdir()) == []


def test_a_missing_program_is_named_with_its_package():
    with pytest.raises(services.MissingPackage, match="apt install postgresql"):
        services.find("initdb", patterns=["/nowhere"])


def test_an_unknown_service_is_refused(capsys):
    with pytest.raises(SystemExit) as ending:
        services.main(["oracle"])

    assert ending.value.code == 2
    assert "no such service: oracle" in capsys.readouterr().err
