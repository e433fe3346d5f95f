"""Fuzz the reading of answers, guided by what each input reaches.

Needs atheris: `python -m tests.fuzz.parser -max_total_time=60 FOLDER tests/fuzz/corpus` keeps what it finds in FOLDER.
The options are those of libFuzzer.
"""

import sys

import atheris

with atheris.instrument_imports(include=["django_ihuyi.client", "defusedxml", "json", "xml.etree", "email"]):
    from tests.fuzz.judge import judge

if __name__ == "__main__":
    atheris.Setup(sys.argv, judge)
    atheris.Fuzz()
