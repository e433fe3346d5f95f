"""The platform's simulator in a process of its own, which counts the connections that are opened to it.

Takes the port to listen on. For every line that it reads, it prints how many were opened since the last one.
"""

import sys
import threading

from django_ihuyi.simulator.server import SimulatorServer
from django_ihuyi.simulator.simulator import Simulator


class CountingServer(SimulatorServer):
    """A simulator's server that knows how many connections it was asked for."""

    opened = 0

    def process_request(self, request, client_address):
        self.opened += 1
        super().process_request(request, client_address)


def main():
    with CountingServer("127.0.0.1", int(sys.argv[1]), Simulator(limits=False, keep=1000)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for _ in sys.stdin:
            print(server.opened, flush=True)
            server.opened = 0
        server.shutdown()


if __name__ == "__main__":
    main()
