"""The two commands start on any Python, and say what it lacks."""

import ast
import os
import sys
import time
from pathlib import Path

import pytest

from example_project import environment
from tests import runtests

ROOT = Path(__file__).parent.parent


def everything_is_there(name):
    return True


def all_but_ensurepip(name):
    return name != "ensurepip"


@pytest.mark.parametrize(
    "command", ["tests/runtests.py", "tests/runchecks.py", "tests/release_check.py", "example_project/demo.py"]
)
def test_a_python_that_is_too_old_can_read_the_command_and_is_told(command):
    tree = ast.parse((ROOT / command).read_text(encoding="utf-8"), feature_version=(3, 7))

    check = next(node for node in tree.body if isinstance(node, ast.If))
    assert "sys.version_info < (3, 10)" in ast.unparse(check)


def test_this_python_lacks_nothing():
    assert environment.find_missing() == []


def test_a_python_that_is_too_old_is_named_with_its_place():
    [complaint] = environment.find_missing(version=(3, 9, 2), find_spec=everything_is_there)

    assert "this one is 3.9" in complaint
    assert sys.executable in complaint


def test_debians_python_without_venv_is_told_what_to_install():
    [complaint] = environment.find_missing(find_spec=all_but_ensurepip)

    assert "apt install python3-venv" in complaint


def test_another_django_gets_an_environment_of_its_own():
    folders = {environment.folder_for("test", django=version) for version in ("", "~=5.2.0", "~=6.0.0")}

    assert len(folders) == 3


def test_an_environment_that_another_replaced_goes_after_a_day_unused(tmp_path):
    names = [".venv-test-py3.11-old", ".venv-test-py3.11-fresh", ".venv-dev-py3.11-old"]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "ready").touch()
        age = 0 if name.endswith("fresh") else 2 * environment.A_DAY
        os.utime(tmp_path / name / "ready", (time.time() - age,) * 2)

    environment.sweep(tmp_path / ".venv-test-py3.11-new")

    assert sorted(folder.name for folder in tmp_path.iterdir()) == sorted(names[1:])


def test_the_suite_uses_several_processes():
    arguments = runtests.pytest_arguments(["tests/test_codes.py"])

    assert arguments[0] == "-n"
    assert arguments[-1] == "tests/test_codes.py"


@pytest.mark.parametrize("choice", ["-n0", "--pdb", "-s"])
def test_who_chooses_the_processes_is_left_in_peace(choice):
    assert runtests.pytest_arguments([choice]) == [choice]


def test_proofs_run_alone_on_the_machine():
    assert runtests.pytest_arguments(["--proofs", "-k", "race"]) == ["-m", "proof", "-n", "0", "-k", "race"]


def test_other_constraints_get_an_environment_of_their_own():
    folders = {environment.folder_for("test", constraints=file) for file in ("", "tests/floors.txt")}

    assert len(folders) == 2


PIP = """
import time
print("Collecting Django>=5.2.1 (from django-ihuyi==0.1.0)", flush=True)
print("  Using cached django.whl (8.3 MB)", flush=True)
time.sleep(0.5)
print("Installing collected packages: Django, requests", flush=True)
raise SystemExit(3)
"""


def test_whoever_waits_for_pip_sees_each_package_and_that_it_is_still_at_it(capsys):
    status = environment.follow([sys.executable, "-c", PIP], silence=0.2)

    lines = [line.partition(" s  ")[2] for line in capsys.readouterr().err.splitlines()]
    assert status == 3
    assert [line for line in lines if line != "still installing"] == [
        "collecting django>=5.2.1",
        "installing 2 packages",
    ]
    assert "still installing" in lines


@pytest.mark.parametrize(
    ("seconds", "installing", "words"),
    [
        (150.6, 58, "Took 2 min 31 s, of which 58 s to install."),
        (60, 59.6, "Took 1 min 0 s, of which 1 min 0 s to install."),
        (12.2, 0.1, "Took 12 s, of which 0 s to install."),
    ],
)
def test_a_command_says_how_long_it_took(seconds, installing, words):
    assert environment.time_taken(seconds, installing=installing) == words
