"""The example site as a process of its own, on this test's database."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import services

ROOT = Path(__file__).parent.parent.parent
ACCOUNT = "C00000001"
API_KEY = "0123456789abcdef0123456789abcdef"


def environ(**chosen):
    """The shell of a deployment: nothing of ours in it but what is chosen."""
    ours = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "DJANGO_SETTINGS_MODULE")
    inherited = {
        name: value for name, value in os.environ.items() if name not in ours and not name.startswith("IHUYI_")
    }
    return inherited | chosen


@contextlib.contextmanager
def serving(*words, port, log, environ):
    """Run a server until the end of the block; `words` are Python's arguments."""
    with log.open("w") as output:
        server = subprocess.Popen([sys.executable, *words], cwd=ROOT, env=environ, stdout=output, stderr=output)
        try:
            services.wait_until(lambda: services.answers(port), server, log.parent)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


@pytest.fixture
def site(database_url, tmp_path):
    """The example as `manage.py runserver` shows it, with the simulator inside; yields its address."""
    port = services.free_port()
    words = ["example_project/manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"]
    with serving(*words, port=port, log=tmp_path / "log", environ=environ(DATABASE_URL=database_url)) as address:
        yield address


@pytest.fixture
def simulator(tmp_path):
    """The platform's imitation as a server; yields its address."""
    port = services.free_port()
    folder = tmp_path / "simulator"
    folder.mkdir()
    words = ["example_project/manage.py", "ihuyi_simulator", f"127.0.0.1:{port}"]
    with serving(*words, port=port, log=folder / "log", environ=environ()) as address:
        yield address


@pytest.fixture
def deployed_site(database_url, simulator, tmp_path):
    """The example under gunicorn, as a deployment runs it, with the simulator for the platform; yields its address."""
    port = services.free_port()
    words = ["-m", "gunicorn", "example_project.wsgi", "--bind", f"127.0.0.1:{port}", "--workers", "2"]
    deployment = environ(
        DATABASE_URL=database_url,
        IHUYI_ACCOUNT=ACCOUNT,
        IHUYI_API_KEY=API_KEY,
        IHUYI_URL=f"{simulator}/webservice/sms.php",
        IHUYI_ALLOW_LOOPBACK="1",
        IHUYI_CLIENT_LIMITS="off",
        SECRET_KEY="a-deployment-has-one-of-its-own-0123456789-abcdefghijkl",
        ALLOWED_HOSTS="127.0.0.1",
    )
    with serving(*words, port=port, log=tmp_path / "log", environ=deployment) as address:
        yield address
