"""Fuzz the reading of answers, guided by what each input reaches.

Needs atheris: `python -m tests.fuzz.parser -max_total_time=60 FOLDER tests/fuzz/corpus` keeps what it finds in FOLDER.
The options are those of libFuzzer.
"""

import json
import sys
from xml.sax.saxutils import escape

import atheris

with atheris.instrument_imports(include=["django_ihuyi.client", "defusedxml", "xml.etree"]):
    from tests.fuzz.judge import ID_FIELDS, judge

NAMES = ["code", "msg", "num", *ID_FIELDS]
#: What stands where a value is expected, but for texts and numbers.
ODDITIES = ["null", "true", "2.0", "2e0", "-2", "02", "NaN", "1e400", "[2]", '{"code":2}', '"\\ud800"', "<a/>", "&#50;"]


def try_out(data):
    """Judge the bytes as they are, and an answer that is composed of them: few bytes by chance are one."""
    judge(data)
    judge(compose(atheris.FuzzedDataProvider(data)).encode("utf-8", "surrogatepass"))


def compose(source):
    """Make a document that is an answer, or nearly so."""
    as_json = source.ConsumeBool()
    fields = {
        "code": source.PickValueInList(["2", "405", str(source.ConsumeIntInRange(0, 10**10))]),
        "msg": take_text(source, as_json=as_json),
        source.PickValueInList(ID_FIELDS): take_text(source, as_json=as_json),
        "num": str(source.ConsumeIntInRange(0, 10**10)),
    }
    if source.ConsumeBool():
        fields[source.PickValueInList(NAMES)] = source.PickValueInList(ODDITIES)
    if as_json:
        return "{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}"
    root = source.PickValueInList(["SubmitResult", "GetNumResult"])
    return f"<{root}>" + "".join(f"<{name}>{value}</{name}>" for name, value in fields.items()) + f"</{root}>"


def take_text(source, *, as_json):
    text = source.ConsumeUnicode(source.ConsumeIntInRange(0, 70))
    return json.dumps(text) if as_json else escape(text)


if __name__ == "__main__":
    atheris.Setup(sys.argv, try_out)
    atheris.Fuzz()
