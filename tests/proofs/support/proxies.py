"""Roads to the platform: what is put between it and a site, to see what the site does on a bad one."""

import contextlib
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@contextlib.contextmanager
def road(platform_url, travel):
    """Let each request come to `travel(handler, form)`, which may call `handler.pass_on(form)`; yield the address."""
    place = urlsplit(platform_url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self):
            travel(self, self.rfile.read(int(self.headers["Content-Length"])))

        def pass_on(self, form):
            with contextlib.closing(http.client.HTTPConnection(place.netloc, timeout=180)) as connection:
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
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield place._replace(netloc=f"127.0.0.1:{server.server_port}").geturl()
        finally:
            server.shutdown()
