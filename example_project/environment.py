"""Create the virtual environments of demo.py and the test runner, with the standard library only."""

import hashlib
import importlib.util
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 10)
A_DAY = 24 * 60 * 60
# Seconds without a line of pip's after which one is printed: pip can be silent for minutes, as if it hung.
SILENCE = 10


def make(*extras, django="", constraints=""):
    """Return the Python of an environment with the package and `extras`; create it if it does not exist.

    `django` narrows the version of Django, as in "~=5.2.0"; `constraints` is a file of versions for pip's `-c`.
    """
    complaints = find_missing()
    if complaints:
        sys.exit("\n".join(complaints))
    folder = folder_for(*extras, django=django, constraints=constraints)
    python = interpreter_in(folder)
    if not (folder / "ready").exists():
        sweep(folder)
        build(folder, extras=extras, django=django, constraints=constraints)
    (folder / "ready").touch()
    return python


def find_missing(*, version=sys.version_info, find_spec=importlib.util.find_spec):
    """Return the reasons, as sentences, why this Python cannot create an environment."""
    complaints = []
    if version[:2] < OLDEST_PYTHON:
        complaints.append(f"Python 3.10 or newer is needed; this one is {version[0]}.{version[1]} ({sys.executable}).")
    # Debian's venv cannot be used before python3-venv, which has ensurepip, is installed.
    if not find_spec("venv") or not find_spec("ensurepip"):
        complaints.append(
            "This Python cannot create virtual environments. On Debian and Ubuntu: apt install python3-venv. "
            "Elsewhere: use the Python of python.org or of your system's packages."
        )
    return complaints


def folder_for(*extras, django="", constraints=""):
    """Return the environment's folder, named after a digest of all that decides what is installed, and where."""
    ingredients = [
        sys.version,
        sys.executable,
        str(ROOT),
        django,
        *extras,
        (ROOT / "pyproject.toml").read_text(encoding="utf-8"),
        *([(ROOT / constraints).read_text(encoding="utf-8")] if constraints else []),
    ]
    digest = hashlib.sha256("\0".join(ingredients).encode()).hexdigest()[:10]
    return ROOT / f".venv-{'-'.join(extras)}-py{sys.version_info[0]}.{sys.version_info[1]}-{digest}"


def interpreter_in(folder):
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def build(folder, *, extras, django="", constraints=""):
    tell(f"Creating {folder.name}: this takes a minute or two, once.")
    venv.create(folder, clear=True, with_pip=True)
    requirements = ["-e", f"{ROOT}[{','.join(extras)}]", *([f"Django{django}"] if django else [])]
    limits = ["-c", constraints] if constraints else []
    pip = [str(interpreter_in(folder)), "-m", "pip", "install", "--progress-bar", "off", "--disable-pip-version-check"]
    if follow([*pip, *limits, *requirements]):
        sys.exit(f"Installing into {folder.name} failed for the reason above. Start again when it is fixed.")


def follow(command, *, silence=SILENCE):
    """Run pip and return its exit status. Print a line for each package, or after `silence` seconds without one."""
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8", errors="replace")
    lines = queue.Queue()
    # On Windows a read from a pipe has no time-out; a queue has.
    threading.Thread(target=hand_over, args=(process.stdout, lines), daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=silence)
        except queue.Empty:
            words = "still installing"
        else:
            if line is None:
                return process.wait()
            words = progress_in(line)
        if words:
            tell(f"{time.monotonic() - began:5.0f} s  {words}")


def hand_over(output, lines):
    with output:
        for line in output:
            lines.put(line)
    lines.put(None)


def progress_in(line):
    """Return the progress that a line of pip's output shows, or an empty text."""
    if line.startswith("Collecting "):
        return line.partition(" (")[0].strip().lower()
    if line.startswith("Installing collected packages: "):
        return f"installing {line.count(',') + 1} packages"
    return ""


def tell(words):
    print(words, file=sys.stderr, flush=True)


def time_taken(seconds, *, installing):
    """Return the sentence that ends a command: "Took 2 min 31 s, of which 58 s to install."."""
    return f"Took {spell(seconds)}, of which {spell(installing)} to install."


def spell(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def sweep(folder):
    """Delete the environments that `folder` replaces, of an older pyproject.toml, if they were not used for a day."""
    for older in folder.parent.glob(folder.name.rpartition("-")[0] + "-*"):
        ready = older / "ready"
        if ready.exists() and time.time() - ready.stat().st_mtime > A_DAY:
            shutil.rmtree(older, ignore_errors=True)
