"""No proof is left out of the release check, and its summary tells what the proofs measured."""

import dataclasses
import re
import sys
from pathlib import Path

import pytest

from tests import release_check

ROOT = Path(__file__).parent.parent
TESTS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py"))
PROOFS = [path for path in TESTS if re.search(r"\bmark\.proof\b", (ROOT / path).read_text(encoding="utf-8"))]
#: A step that leaves out nothing but what is timed, which the step "timed" runs, wherever it is.
COMPLETE = [step for step in release_check.STEPS.values() if step.arguments[:3] == release_check.COUNTED]


def covers(step, path):
    """Return True if pytest, with the step's arguments, looks into the file."""
    places = [argument for argument in step.arguments if argument.startswith("tests")]
    ignored = [argument.partition("=")[2] for argument in step.arguments if argument.startswith("--ignore=")]
    lies_in = [path, *(parent.as_posix() for parent in Path(path).parents)]
    return any(place in lies_in for place in places) and not any(place in lies_in for place in ignored)


@pytest.mark.parametrize("path", PROOFS)
def test_every_proof_is_run_before_a_release(path):
    assert release_check.STEPS["timed"].arguments == ("--proofs", "-m", "proof and timed")
    assert [step for step in COMPLETE if covers(step, path)]


@pytest.mark.parametrize("command", [".ci/run", "tests/release_check.py"])
def test_every_file_that_is_named_is_there(command):
    text = (ROOT / command).read_text(encoding="utf-8")

    assert [path for path in re.findall(r"tests/[\w/]+\.(?:py|txt)", text) if not (ROOT / path).is_file()] == []


def test_the_steps_are_listed_with_their_times(capsys):
    status = release_check.main(["--list"], steps=release_check.STEPS)

    lines = capsys.readouterr().out.splitlines()
    assert status == 0
    assert [line.split()[0] for line in lines] == list(release_check.STEPS)


def test_quick_takes_less_than_an_hour():
    assert sum(step.quick_minutes for step in release_check.STEPS.values()) < 60


def test_an_unknown_step_is_refused(capsys):
    with pytest.raises(SystemExit):
        release_check.main(["--only", "everything"], steps=release_check.STEPS)

    assert "invalid choice: 'everything'" in capsys.readouterr().err


OUTPUT = """
print('''....
========= figures =========
F10: 0 of 162
F2 guesses: 5
========= short test summary info =========
FAILED tests/test_x.py::test_y - no
========= 1 failed =========
''')
raise SystemExit(1)
"""


@dataclasses.dataclass(frozen=True)
class Failing:
    """A step with two figures and a test that fails."""

    services: str = ""
    minutes: int = 0
    quick_minutes: int = 0
    command: tuple = (sys.executable, "-c", OUTPUT)


def test_a_failed_step_does_not_stop_the_others_and_the_end_tells_figures_and_failures(capsys):
    status = release_check.main([], steps={"first": Failing(), "second": Failing()})

    _, figures, summary = re.split("=== (?:Figures|Summary)\n", capsys.readouterr().out)
    assert status == 1
    assert figures.split("\n")[:4] == ["F2 guesses: 5  (sqlite)"] * 2 + ["F10: 0 of 162  (sqlite)"] * 2
    assert [line.split()[0] for line in summary.splitlines()] == ["FAILED"] * 4 + ["Took"]
