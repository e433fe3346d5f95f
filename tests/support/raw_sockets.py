"""Send bytes over a real socket."""

import socket
from urllib.parse import urlencode

from tests.support.simulator_calls import FORM_TYPE

PATH = "/webservice/sms.php?method=Submit"


def connect(server):
    return socket.create_connection(server.server_address, timeout=60)


def exchange(server, request):
    """Send bytes, close the sending half, and return all bytes that come back."""
    with connect(server) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def write_post(form, *, target=PATH, more=""):
    body = urlencode(form)
    head = f"POST {target} HTTP/1.1\r\nHost: 106.ihuyi.com\r\nContent-Type: {FORM_TYPE}\r\n{more}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
