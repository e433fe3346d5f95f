"""The demonstration fails loudly when a step does not hold."""

import http.server
import threading

import pytest

from example_project import demo


class Refusing(http.server.BaseHTTPRequestHandler):
    """A site on which nothing works."""

    def do_POST(self):
        self.send_error(503)

    def log_message(self, *arguments):
        """Say nothing: the test reads what is printed."""


@pytest.fixture
def broken_site():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_first_answer_that_is_not_as_promised_ends_the_story(broken_site, capsys):
    with pytest.raises(demo.StepFailed, match="should have had the status 202"):
        demo.tell_the_story(broken_site)

    assert "  < 503 " in capsys.readouterr().out


def test_a_promise_that_does_not_hold_ends_the_story():
    with pytest.raises(demo.StepFailed, match="the phone is the same"):
        demo.require(False, "the phone is the same")
