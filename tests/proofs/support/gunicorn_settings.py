"""What gunicorn is told in the proofs; of these names it ignores those that it is too old for."""

timeout = 120
graceful_timeout = 5
# It would lie in the home directory, one for all servers.
control_socket_disable = True
# Eight processes that import all of Django take their time, again and again; and where one is killed, the next one
# shall be there at once.
preload_app = True
