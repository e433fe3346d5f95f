"""The commands ihuyi_balance, ihuyi_send and ihuyi_templates."""

import io
import json
import os
import re

import pytest
from django.core.management import call_command, load_command_class
from django.core.management.base import BaseCommand, CommandError

from django_ihuyi.models import Message
from django_ihuyi.simulator import Account
from tests.support.docs_pages import ROOT, text_of
from tests.support.live_platform import OPTIONS, submits

pytestmark = pytest.mark.django_db

EMPTY = Account(account=OPTIONS["account"], api_key=OPTIONS["api_key"], balance=0)
TEMPLATES = {
    "code": {"TEXT": "您的验证码是：{code}。请不要把验证码泄露给其他人。"},
    "shipped": {"TEXT": "您的订单{1}已发货，请注意查收。", "ID": "2"},
}


def test_the_balance_of_every_channel_is_printed(platform, run):
    simulator = platform()

    assert run("ihuyi_balance") == (0, ["sms: 10000000"])
    assert submits(simulator) == []


@pytest.mark.parametrize(("minimum", "exit_code"), [("10000000", 0), ("10000001", 1)])
def test_a_balance_below_the_minimum_fails(platform, run, minimum, exit_code):
    platform()

    assert run("ihuyi_balance", "sms", "--minimum", minimum) == (exit_code, ["sms: 10000000"])


def test_a_zero_balance_fails_only_with_a_minimum(platform, run):
    platform(account=EMPTY)

    assert run("ihuyi_balance") == (0, ["sms: 0"])
    assert run("ihuyi_balance", "--minimum", "1") == (1, ["sms: 0"])


def test_an_unknown_balance_fails(platform, run):
    platform(options={"account": "C11111112"})

    exit_code, [line] = run("ihuyi_balance")

    assert exit_code == 1
    assert line.startswith("sms: unknown. The platform refuses with 405. ")


def test_a_backend_without_an_account_fails(run):
    assert run("ihuyi_balance") == (1, ["sms: unknown. this backend has no account"])


def test_an_unknown_channel_is_an_error(run):
    with pytest.raises(CommandError, match="does not name 'smss'"):
        run("ihuyi_balance", "smss")


def test_a_notice_is_sent_to_each_number(platform, run, configure):
    simulator = platform()
    configure(TEMPLATES=TEMPLATES)

    printed = run("ihuyi_send", "13800138000", "13800138001", "--template", "shipped", "--variable", "A17")

    assert printed == (0, ["138****8000: submitted", "138****8001: submitted"])
    assert {message.content for message in simulator.messages()} == {"您的订单A17已发货，请注意查收。"}


def test_each_unsent_number_is_printed_with_its_reason(platform, run, configure):
    simulator = platform()
    configure(TEMPLATES=TEMPLATES)
    simulator.force(4030, mobile="13800138001")

    numbers = ["13800138000", "my number", "13800138000", "13800138001"]
    exit_code, lines = run("ihuyi_send", *numbers, "--template", "shipped", "--variable", "A17")

    assert exit_code == 1
    assert lines == [
        "138****8000: submitted",
        "number 2: not sent. enter a mobile number of mainland China: 11 digits that begin with 13 to 19.",
        "138****8000: not sent. resend_too_soon: try again in 1 seconds.",
        "138****8001: not sent. number_limit: try again in 86400 seconds.",
    ]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--template", "x"), "name one of IHUYI"),
        (("--template", "shipped"), "more places than there are variables"),
        (("--template", "code", "--variable", "1", "--variable", "2"), "fewer places than there are variables"),
    ],
    ids=["template", "too few variables", "too many variables"],
)
def test_an_invalid_notice_is_an_error(run, configure, words, error):
    configure(TEMPLATES=TEMPLATES)

    with pytest.raises(CommandError, match=error):
        run("ihuyi_send", "13800138000", *words)

    assert not Message.objects.exists()


def test_an_unknown_channel_sends_nothing(run, configure):
    configure(TEMPLATES=TEMPLATES)

    exit_code, [line] = run("ihuyi_send", "13800138000", "--template", "code", "--variable", "1", "--channel", "voice")

    assert (exit_code, line) == (1, "138****8000: not sent. IHUYI['CHANNELS'] does not name 'voice'.")


def test_templates_are_shown_with_parts_and_price(run, configure):
    configure(TEMPLATES=TEMPLATES, PART_PRICE="0.045")

    assert run("ihuyi_templates") == (
        0,
        [
            "code  1 part  0.045",
            "      您的验证码是：{code}。请不要把验证码泄露给其他人。",
            "shipped  1 part  0.045  ID 2",
            "      您的订单{1}已发货，请注意查收。",
        ],
    )


def test_problems_are_printed_below_their_text(run, configure):
    configure(TEMPLATES={"code": {"TEXT": "验证码:{code}😀\n@example.com #{code}", "FILED": "2026-01-01"}})

    assert run("ihuyi_templates") == (
        1,
        [
            "code  1 part",
            "      验证码:{code}😀",
            "      @example.com #{code}",
            "FAIL  4074: U+1F600 is an emoji.",
            "WARN  4072: The mark : is a half-width one.",
            "NOTE  The signature must come before the text: after the code it would be read as part of it.",
        ],
    )


def test_uncertain_problems_are_no_failure(run, configure):
    configure(TEMPLATES={"code": {"TEXT": "验证码：{code}。"}})

    exit_code, lines = run("ihuyi_templates")

    assert (exit_code, lines[-1]) == (0, "WARN  4072: Nothing says that this text is filed with the platform.")


def test_templates_as_json(run, configure):
    configure(TEMPLATES={"code": {"TEXT": "验证码：{code}😀", "ID": "1"}}, PART_PRICE="0.1")

    exit_code, lines = run("ihuyi_templates", "--json")

    assert (exit_code, json.loads("\n".join(lines))) == (
        1,
        {
            "code": {
                "text": "验证码：{code}😀",
                "id": "1",
                "parts": 1,
                "price": "0.1",
                "complaints": [{"code": 4074, "is_certain": True, "text": "U+1F600 is an emoji."}],
            }
        },
    )


def test_chinese_is_escaped_on_an_ascii_console(configure):
    console = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    configure(TEMPLATES={"code": {"TEXT": "码{code}", "ID": "1"}})

    call_command("ihuyi_templates", stdout=console)

    assert console.buffer.getvalue().decode() == f"code  1 part  ID 1{os.linesep}      \\u7801{{code}}{os.linesep}"


@pytest.mark.parametrize("name", ["ihuyi_doctor", "ihuyi_balance", "ihuyi_send", "ihuyi_templates"])
def test_every_option_is_documented(name):
    page = text_of(ROOT / "docs/reference/commands.md")
    section = page.partition(f"## `{name}`\n")[2].partition("\n## ")[0]
    ours = load_command_class("django_ihuyi", name).create_parser("manage.py", name)
    everybodys = BaseCommand().create_parser("manage.py", name)

    options = set(ours._option_string_actions) - set(everybodys._option_string_actions)
    assert set(re.findall(r"^\| `(--[\w-]+)", section, re.MULTILINE)) == options
