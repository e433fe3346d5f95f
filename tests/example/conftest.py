"""The example site as a process of its own, on this test's database."""

import contextlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connections
from playwright.sync_api import sync_playwright

from tests import services

ROOT = Path(__file__).parent.parent.parent
ACCOUNT = "C00000001"
API_KEY = "0123456789abcdef0123456789abcdef"


def environ(**chosen):
    """The shell of a deployment: nothing of ours in it but what is chosen."""
    ours = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "TRUSTED_PROXY_COUNT")
    ours += ("DJANGO_SETTINGS_MODULE",)
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
def serve(database_url, tmp_path):
    """Start the example as `manage.py runserver` shows it, with the simulator inside; returns its address."""
    with contextlib.ExitStack() as sites:

        def start(**chosen):
            port = services.free_port()
            words = ["example_project/manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"]
            deployment = environ(DATABASE_URL=database_url, **chosen)
            return sites.enter_context(serving(*words, port=port, log=tmp_path / "log", environ=deployment))

        yield start


@pytest.fixture
def site(serve):
    """The example as it is without any choice; yields its address."""
    return serve()


@pytest.fixture
def browser():
    with sync_playwright() as playwright:
        # Chromium's sandbox does not work for root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        yield playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)


@pytest.fixture
def beside():
    """Call a function that asks the database, as in `beside(Message.objects.count)`, while a browser is open.

    Playwright has an event loop in the test's own thread, where Django refuses to ask; and allowed to, it would open a
    connection that nobody closes.
    """

    def call(function, *arguments):
        try:
            return function(*arguments)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=1) as pool:
        yield lambda function, *arguments: pool.submit(call, function, *arguments).result()


@pytest.fixture
def open_page(browser):
    """Open the page of a site in a tab of its own; further arguments describe the visitor."""
    complaints = []

    def open_page(site, *, routes=(), **visitor):
        page = browser.new_context(**{"locale": "en-US"} | visitor).new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if "Content Security" in line.text else None)
        for pattern, answer in routes:
            page.route(pattern, answer)
        page.goto(site)
        return page

    yield open_page
    assert complaints == []


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
