"""Judge all that can be judged without running the suite: `python3 tests/runchecks.py [NAME …]`.

lint, types, migrations, translations, docs: all of them if none is named.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

if sys.version_info < (3, 10):  # noqa: UP036  (whoever starts it may have any Python)
    sys.exit(f"Python 3.10 or newer is needed; this one is {sys.version_info[0]}.{sys.version_info[1]}.")

sys.path.insert(0, str(ROOT))

from example_project import environment  # noqa: E402  (an older Python must reach the line above)

CHECKS = {
    "lint": [["-m", "ruff", "check", "."], ["-m", "ruff", "format", "--check", "."]],
    "types": [["-m", "mypy"]],
    "migrations": [["example_project/manage.py", "makemigrations", "--check", "--dry-run"]],
    "translations": [["-m", "pytest", "-q", "-n", "0", "-m", "", "tests/test_translations.py"]],
    "docs": [["-m", "sphinx", "-W", "--keep-going", "-q", "docs", "docs/_build"]],
}


def main(names):
    unknown = set(names) - set(CHECKS)
    if unknown:
        sys.exit(f"No such check: {', '.join(sorted(unknown))}. There are {', '.join(CHECKS)}.")
    python = environment.make("dev", django=os.environ.get("DJANGO", ""))
    failed = [name for name in names or CHECKS if not passes(python, CHECKS[name])]
    for name in names or CHECKS:
        print(f"{name}: {'FAILED' if name in failed else 'ok'}")
    return 1 if failed else 0


def passes(python, commands):
    return all(subprocess.run([str(python), *command], cwd=ROOT).returncode == 0 for command in commands)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
