"""No answer can raise what is not ours, and none is taken for an acceptance that is not one."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.judge import judge

CORPUS = Path(__file__).parent / "corpus"
SECONDS = int(os.environ.get("PROOF_FUZZ_SECONDS", 45))


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.name)
def test_every_file_of_the_corpus_is_judged_well(path):
    judge(path.read_bytes())


if importlib.util.find_spec("atheris"):  # It is made for few systems.

    @pytest.mark.proof
    def test_nothing_that_a_fuzzer_finds_breaks_the_parser(tmp_path, figure):
        found = tmp_path / "found"
        found.mkdir()
        options = [
            f"-max_total_time={SECONDS}",
            "-print_final_stats=1",
            "-max_len=4096",
            f"-artifact_prefix={tmp_path}/",
        ]
        command = [sys.executable, "-m", "tests.fuzz.parser", *options, str(found), str(CORPUS)]
        run = subprocess.run(command, cwd=CORPUS.parent.parent.parent, capture_output=True, text=True, errors="replace")

        tried = re.search(r"number_of_executed_units: *([0-9]+)", run.stderr)
        figure("answers that a fuzzer tried on the parser", f"{tried and tried[1]}, failures {run.returncode and 1}")
        assert run.returncode == 0, run.stderr[-5000:]
