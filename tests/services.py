"""Start throw-away PostgreSQL, MariaDB and Redis servers on free loopback ports, from Debian's packages.

    python3 tests/services.py                                   all three, until Ctrl-C; then nothing is left of them
    python3 tests/services.py --json mariadb redis              the chosen ones, their addresses as one line of JSON
    python3 tests/services.py postgresql redis -- COMMAND …     run a command with DATABASE_URL and REDIS_URL set

In Python: `with services.running("postgresql") as [server]: server.url, server.process.pid`.
"""

import argparse
import contextlib
import dataclasses
import functools
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

try:
    import pwd
except ImportError:  # Windows, where the suite runs on SQLite
    pwd = None

PATIENCE = 180
#: Tries to start a server that was killed.
REVIVALS = 10
# Servers refuse to run as root, and need no rights.
UNPRIVILEGED = "nobody"
WHERE_PROGRAMS_ARE = ["/usr/local/*bin", "/usr/sbin", "/usr/bin", "/usr/lib/postgresql/*/bin"]


@dataclasses.dataclass(slots=True, kw_only=True)
class Service:
    """A running server: where to reach it, and its process for those who want to stop or kill it."""

    name: str
    url: str
    process: subprocess.Popen
    folder: Path
    is_ready: Callable[[], bool]

    def revive(self):
        """Start it again after a kill -9, on what it has left on the disk."""
        self.process.wait()
        # PostgreSQL does not start while a process of the killed server still lives, which may take a moment.
        for tries_left in reversed(range(REVIVALS)):
            self.process = spawn(*self.process.args, cwd=self.folder)
            try:
                wait_until(self.is_ready, self.process, self.folder)
                return
            except RuntimeError:
                if not tries_left:
                    raise
                time.sleep(0.5)

    @property
    def variable(self):
        return "REDIS_URL" if self.name == "redis" else "DATABASE_URL"


class MissingPackage(Exception):
    """A program is not installed; the text says which package brings it."""


@contextlib.contextmanager
def running(*names, durable=False):
    """Run the named servers and yield them in that order; `durable` makes them survive their own kill -9."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(run(name, durable=durable)) for name in names or STARTERS]


@contextlib.contextmanager
def run(name, *, durable):
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    if am_root():
        account = pwd.getpwnam(UNPRIVILEGED)
        os.chown(folder, account.pw_uid, account.pw_gid)
    try:
        service = STARTERS[name](folder, port=free_port(), durable=durable)
        try:
            yield service
        finally:
            stop(service.process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start_postgresql(folder, *, port, durable):
    data = folder / "data"
    do("initdb", "-D", data, "-U", "ihuyi", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", cwd=folder)
    quick = ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"]
    # A durable one is for measuring: it has memory for its indexes, as PostgreSQL's manual wants it (a quarter of all).
    real = ["-c", "shared_buffers=1GB"]
    process = spawn(
        *[find("postgres"), "-D", data, "-h", "127.0.0.1", "-p", port, "-k", folder, "-c", "max_connections=300"],
        *(real if durable else quick),
        cwd=folder,
    )
    place = ["-h", "127.0.0.1", "-p", str(port)]
    is_ready = functools.partial(succeeds, [find("pg_isready"), *place])
    wait_until(is_ready, process, folder)
    do("createdb", *place, "-U", "ihuyi", "ihuyi", cwd=folder)
    url = f"postgres://ihuyi:ihuyi@127.0.0.1:{port}/ihuyi"
    return Service(name="postgresql", url=url, process=process, folder=folder, is_ready=is_ready)


def start_mariadb(folder, *, port, durable):
    data = folder / "data"
    do("mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
       "--skip-test-db", cwd=folder)  # fmt: skip
    first_words = folder / "init.sql"
    first_words.write_text(
        "CREATE DATABASE IF NOT EXISTS ihuyi;\n"
        "CREATE USER IF NOT EXISTS 'ihuyi'@'%' IDENTIFIED BY 'ihuyi';\n"
        "GRANT ALL ON *.* TO 'ihuyi'@'%';\n"
    )
    quick = ["--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--innodb-doublewrite=0"]
    process = spawn(
        *[find("mariadbd"), "--no-defaults", f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1"],
        *[f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}", f"--init-file={first_words}"],
        *["--character-set-server=utf8mb4", "--skip-name-resolve", "--max-connections=300"],
        *([] if durable else quick),
        cwd=folder,
    )
    # It listens once the file above is executed.
    is_ready = functools.partial(answers, port)
    wait_until(is_ready, process, folder)
    url = f"mysql://ihuyi:ihuyi@127.0.0.1:{port}/ihuyi"
    return Service(name="mariadb", url=url, process=process, folder=folder, is_ready=is_ready)


def start_redis(folder, *, port, durable):
    process = spawn(
        *[find("redis-server"), "--port", port, "--bind", "127.0.0.1", "--databases", 64, "--dir", folder],
        *["--save", "", "--appendonly", "yes" if durable else "no"],
        cwd=folder,
    )
    is_ready = functools.partial(answers, port)
    wait_until(is_ready, process, folder)
    url = f"redis://127.0.0.1:{port}/0"
    return Service(name="redis", url=url, process=process, folder=folder, is_ready=is_ready)


STARTERS = {"postgresql": start_postgresql, "mariadb": start_mariadb, "redis": start_redis}
PACKAGES = {
    **dict.fromkeys(["initdb", "postgres", "createdb", "pg_isready"], "postgresql"),
    **dict.fromkeys(["mariadb-install-db", "mariadbd"], "mariadb-server"),
    "redis-server": "redis-server",
}


def find(program, *, patterns=WHERE_PROGRAMS_ARE):
    """Return the path of a server's program; Debian keeps some where no shell looks."""
    # The newest version first.
    folders = [folder for pattern in patterns for folder in sorted(glob.glob(pattern), reverse=True)]  # noqa: PTH207
    path = shutil.which(program, path=os.pathsep.join(folders))
    if not path:
        raise MissingPackage(f"{program} is not installed. On Debian and Ubuntu: apt install {PACKAGES[program]}.")
    return path


def do(program, *arguments, cwd):
    log = cwd / "log"
    with log.open("ab") as output:
        finished = subprocess.run(
            [find(program), *map(str, arguments)], cwd=cwd, stdout=output, stderr=output, **identity()
        )
    if finished.returncode:
        raise RuntimeError(f"{program} failed:\n{log.read_text(errors='replace')[-2000:]}")


def spawn(*command, cwd):
    # A session of its own: Ctrl-C is for us, and we end the servers in order.
    with (cwd / "log").open("ab") as output:
        return subprocess.Popen(
            [str(word) for word in command], cwd=cwd, stdout=output, stderr=output, start_new_session=True, **identity()
        )


def identity():
    if not am_root():
        return {}
    return {"user": UNPRIVILEGED, "group": pwd.getpwnam(UNPRIVILEGED).pw_gid, "extra_groups": []}


def am_root():
    return pwd is not None and os.geteuid() == 0


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def succeeds(command):
    return subprocess.run(command, capture_output=True).returncode == 0


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_until(is_ready, process, folder):
    deadline = time.monotonic() + PATIENCE
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            stop(process)
            raise RuntimeError(f"{process.args[0]} did not start:\n{(folder / 'log').read_text()[-2000:]}")
        time.sleep(0.05)


def stop(process):
    """End a server; SIGINT lets PostgreSQL drop its clients, MariaDB takes it for nothing and gets SIGTERM."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGCONT)
    process.send_signal(signal.SIGINT if "postgres" in process.args[0] else signal.SIGTERM)
    try:
        process.wait(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main(words):
    own, command = split(words)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("services", nargs="*", help=", ".join(STARTERS) + "; all of them if none is named")
    parser.add_argument("--json", action="store_true", help="print the addresses as one line of JSON")
    parser.add_argument("--durable", action="store_true", help="write safely to the disk, as a real server does")
    options = parser.parse_args(own)
    if unknown := set(options.services) - set(STARTERS):
        parser.error(f"no such service: {', '.join(sorted(unknown))}")
    # Whatever ends us, the `with` below is left in order; a shell's background jobs would else not hear SIGINT.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda number, frame: sys.exit(128 + number))
    try:
        with running(*options.services, durable=options.durable) as services:
            if command:
                return run_command(command, services)
            announce(services, as_json=options.json)
            signal.pause()
    except MissingPackage as error:
        return str(error)


def split(words):
    if "--" not in words:
        return words, []
    place = words.index("--")
    return words[:place], words[place + 1 :]


def run_command(command, services):
    # Of two databases the first one named counts.
    addresses = {service.variable: service.url for service in reversed(services)}
    return subprocess.run(command, env=os.environ | addresses).returncode


def announce(services, *, as_json):
    show = functools.partial(print, flush=True)
    if as_json:
        show(json.dumps({service.name: service.url for service in services}))
        return
    for service in services:
        show(f"{service.variable}={service.url}")
    show("Running until Ctrl-C.", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
