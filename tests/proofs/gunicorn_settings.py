"""What gunicorn is told in the proofs; of these names it ignores those that it is too old for."""

import os

timeout = 120
graceful_timeout = 5
# It would lie in the home directory, one for all servers.
control_socket_disable = True
# Where workers are killed one after another, the next one shall be there at once.
preload_app = "PROOF_FAILPOINTS" in os.environ
