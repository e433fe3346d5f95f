"""What gunicorn is told in the proofs; of these names it ignores those that it is too old for."""

timeout = 120
graceful_timeout = 5
# It would lie in the home directory, one for all servers.
control_socket_disable = True
