"""What the platform would refuse of a text is said before it is sent."""

import re

import pytest

from django_ihuyi.conf import DEFAULT_TEXT
from django_ihuyi.simulator import Simulator
from django_ihuyi.texts.lint import Complaint, lint
from django_ihuyi.texts.samples import TextLimits, read_samples
from django_ihuyi.texts.templates import fill, render
from tests.support.simulator_calls import Caller

LIMITS = TextLimits(code_length=6, variable_length=8, text_length=300, signature="互亿无线")


def draft_of(text, *, limits=LIMITS, **entry):
    [sample] = read_samples({"code": {"TEXT": text, **entry}}, limits)
    return sample


def test_default_text_has_no_complaint():
    assert lint(draft_of(DEFAULT_TEXT)) == []


def test_every_complaint_says_the_result_code_that_it_would_become():
    sample = draft_of("【我的】订单{2}已发货!😀", EXAMPLE="2026112400001")

    assert lint(sample) == [
        Complaint(code=4072, is_certain=True, text="The places {2} leave a number out."),
        Complaint(code=40722, is_certain=True, text="{2} would have 13 characters, and 8 may be."),
        Complaint(code=4074, is_certain=True, text="U+1F600 is an emoji."),
        Complaint(code=4070, is_certain=False, text="The text seems to carry a signature."),
        Complaint(code=4072, is_certain=False, text="The mark ! is a half-width one."),
        Complaint(code=4072, is_certain=False, text="Nothing says that this text is filed with the platform."),
    ]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("{code}" + "字" * 58, 1, id="70 characters with the signature"),
        pytest.param("{code}" + "字" * 59, 2, id="71 characters with the signature"),
        pytest.param("{1}" + "字" * 56, 1, id="70 characters with the longest variable"),
        pytest.param("{1}" + "字" * 57, 2, id="71 characters with the longest variable"),
    ],
)
def test_parts_are_counted_with_the_signature_and_the_longest_variables(text, parts):
    assert draft_of(text).parts == parts


def test_an_example_is_counted_in_place_of_the_longest_variable():
    assert draft_of("{1}由{2}发出", EXAMPLE="A17|顺丰").content == "A17由顺丰发出"


@pytest.mark.parametrize("text", ["您的验证码是:{code}。", "{code}😀", "您的验证码是：{code}。" + "字" * 300])
def test_simulator_refuses_a_faulty_text_with_the_code_of_its_complaint(text, platform_says):
    sample = draft_of(text)

    assert platform_says(sample.content) in {complaint.code for complaint in lint(sample)}


def test_simulator_accepts_a_text_without_complaint(platform_says):
    assert platform_says(draft_of(DEFAULT_TEXT).content) == 2


@pytest.fixture
def platform_says():
    """Submit a text to a simulator with the trial account's templates; return the result code."""
    return lambda content: Caller(Simulator()).send(content=content)


BOUND_TEXT = "您的验证码是：{code}。\n@example.com #{code}"


def test_a_place_that_stands_twice_is_filled_twice(configure):
    configure(TEMPLATES={"text": {"TEXT": BOUND_TEXT}, "filed": {"TEXT": BOUND_TEXT, "ID": "7"}})

    assert render("text", ["480917"]) == "您的验证码是：480917。\n@example.com #480917"
    assert fill("filed", ["480917"]).content == "480917|480917"


def test_places_are_filled_by_their_numbers(configure):
    configure(TEMPLATES={"text": {"TEXT": "{2}送来{1}"}, "filed": {"TEXT": "{2}送来{1}", "ID": "7"}})

    assert render("text", ["订单", "顺丰"]) == "顺丰送来订单"
    assert fill("filed", ["订单", "顺丰"]).content == "顺丰|订单"


def read_bound_code(message):
    """The algorithm of the specification: https://wicg.github.io/sms-one-time-codes/#parsing."""
    match = re.fullmatch(r"@(\S+) #(\S+)(?: @\S+)?", message.rpartition("\n")[2])
    return match and match.groups()


def test_bound_text_without_complaint_is_understood_by_the_phone():
    sample = draft_of(BOUND_TEXT, FILED="2026-01-01")

    assert lint(sample) == []
    assert read_bound_code(f"【互亿无线】{sample.content}") == ("example.com", "000000")


def test_a_signature_behind_the_code_would_become_part_of_it():
    assert read_bound_code(f"{draft_of(BOUND_TEXT).content}【互亿无线】") == ("example.com", "000000【互亿无线】")
    assert [complaint.code for complaint in lint(draft_of(BOUND_TEXT + "【互亿无线】", ID="7"))] == [None, 4070]
