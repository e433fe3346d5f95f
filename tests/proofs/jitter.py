"""A road to the platform on which a request takes anything between no time and half a second."""

import contextlib
import http.client
import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

LONGEST = 0.5


@contextlib.contextmanager
def jittering(platform_url):
    """Pass requests on to the platform after 0 to 500 ms; yields the address to use in its place."""
    place = urlsplit(platform_url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self):
            form = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(random.uniform(0, LONGEST))
            with contextlib.closing(http.client.HTTPConnection(place.netloc, timeout=10)) as connection:
                connection.request("POST", self.path, form, {"Content-Type": self.headers["Content-Type"]})
                response = connection.getresponse()
                content = response.read()
            self.send_response_only(response.status)
            self.send_header("Content-Type", response.headers["Content-Type"])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield place._replace(netloc=f"127.0.0.1:{server.server_port}").geturl()
        finally:
            server.shutdown()
