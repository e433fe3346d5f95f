"""An application in this process gets what a server on the network would get."""

from urllib.parse import parse_qs

import pytest

from django_ihuyi.client.outcomes import Outcome
from django_ihuyi.client.wsgi import WSGIAdapter
from tests.support.misbehaving_servers import ACCEPTED


class App:
    """A WSGI application that notes what it was asked."""

    def __init__(self, status="200 OK", body=ACCEPTED):
        self.status = status
        self.body = body
        self.closed = False

    def __call__(self, environ, start_response):
        self.environ = environ
        self.form = parse_qs(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
        start_response(self.status, [("Content-Type", "application/json")])(self.body[:10])
        return self

    def __iter__(self):
        return iter([self.body[10:], b""])

    def close(self):
        self.closed = True


def submit(make_client, app):
    client = make_client("http://simulator.invalid/webservice/%E7%9F%AD.php", adapter=WSGIAdapter(app))
    return client.submit(mobile="13800138000", content="1234", template_id="1")


def test_an_application_is_called_as_the_platform_would_be(make_client):
    app = App()

    submission = submit(make_client, app)

    assert (submission.outcome, submission.platform_id) == (Outcome.ACCEPTED, "16165686731585006595")
    assert app.closed
    assert app.form["mobile"] == ["13800138000"]
    expected = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/webservice/短.php".encode().decode("latin-1"),
        "QUERY_STRING": "method=Submit",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "SERVER_NAME": "simulator.invalid",
        "SERVER_PORT": "80",
        "HTTP_ACCEPT_ENCODING": "identity",
        "wsgi.url_scheme": "http",
    }
    assert {name: app.environ[name] for name in expected} == expected
    assert "HTTP_CONTENT_TYPE" not in app.environ


@pytest.mark.parametrize(
    ("status", "fault"), [("500 Oops", "http_status"), ("302 Found", "redirect"), ("429 Slow Down", "throttled")]
)
def test_its_status_counts(status, fault, make_client):
    assert submit(make_client, App(status=status)).fault == fault


def test_its_long_answers_are_cut_off(make_client):
    assert submit(make_client, App(body=b" " * 65537)).fault == "answer_too_large"
