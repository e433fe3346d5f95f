"""Make the virtual environment that demo.py and the test runner work in, with nothing but the standard library."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 10)
A_DAY = 24 * 60 * 60


def make(*extras, django=""):
    """Return the Python of an environment with the package and `extras` installed; a second call finds it made.

    `django` narrows the version of Django, as in "~=5.2.0".
    """
    complaints = find_missing()
    if complaints:
        sys.exit("\n".join(complaints))
    folder = folder_for(*extras, django=django)
    python = interpreter_in(folder)
    if not (folder / "ready").exists():
        sweep(folder)
        build(folder, extras=extras, django=django)
    (folder / "ready").touch()
    return python


def find_missing(*, version=sys.version_info, find_spec=importlib.util.find_spec):
    """Say in sentences what this Python lacks for making an environment."""
    complaints = []
    if version[:2] < OLDEST_PYTHON:
        complaints.append(f"Python 3.10 or newer is needed; this one is {version[0]}.{version[1]} ({sys.executable}).")
    # Debian ships venv without ensurepip, and so cannot use it, until python3-venv is installed.
    if not find_spec("venv") or not find_spec("ensurepip"):
        complaints.append(
            "This Python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv. "
            "Elsewhere: use the Python of python.org or of your system's packages."
        )
    return complaints


def folder_for(*extras, django=""):
    """Name the environment's folder: another Python, pyproject.toml, place or Django means another environment."""
    ingredients = [
        sys.version,
        sys.executable,
        str(ROOT),
        django,
        *extras,
        (ROOT / "pyproject.toml").read_text(encoding="utf-8"),
    ]
    digest = hashlib.sha256("\0".join(ingredients).encode()).hexdigest()[:10]
    return ROOT / f".venv-{'-'.join(extras)}-py{sys.version_info[0]}.{sys.version_info[1]}-{digest}"


def interpreter_in(folder):
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def build(folder, *, extras, django=""):
    print(f"Making {folder.name}: a minute or two, this once.", file=sys.stderr, flush=True)
    venv.create(folder, clear=True, with_pip=True)
    requirements = ["-e", f"{ROOT}[{','.join(extras)}]", *([f"Django{django}"] if django else [])]
    pip = [interpreter_in(folder), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    if subprocess.run([*pip, *requirements], cwd=ROOT).returncode:
        sys.exit(f"Installing into {folder.name} failed; the lines above say why. Start again when it is mended.")


def sweep(folder):
    """Remove what `folder` replaces: environments of an older pyproject.toml that nobody has used for a day."""
    for older in folder.parent.glob(folder.name.rpartition("-")[0] + "-*"):
        ready = older / "ready"
        if ready.exists() and time.time() - ready.stat().st_mtime > A_DAY:
            shutil.rmtree(older, ignore_errors=True)
