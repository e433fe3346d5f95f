"""The simulator as a command, with and without Django."""

import argparse
import contextlib
import re
import subprocess
import sys
from urllib.request import urlopen

import pytest

from django_ihuyi.simulator.command import add_arguments, make_simulator, parse_address, run
from django_ihuyi.simulator.products import PRODUCTS
from django_ihuyi.simulator.pushes import PushPlan
from tests.support.simulator_calls import TEXT, Caller, make_form

COMMANDS = {
    "python -m": [sys.executable, "-m", "django_ihuyi.simulator"],
    "manage.py": [sys.executable, "-m", "django", "ihuyi_simulator", "--settings", "tests.settings"],
}


@contextlib.contextmanager
def running(*command):
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def parse(*arguments):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(arguments)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_command_prints_its_url_and_serves(command):
    with running(*command, "127.0.0.1:0") as process:
        line = process.stdout.readline()
        url = re.fullmatch(r"iHuyi simulator at (http://127\.0\.0\.1:[0-9]+/)\n", line)[1]
        with urlopen(f"{url}_simulator/messages") as answer:
            assert answer.read() == b"[]"


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("arguments", [["0.0.0.0:0"], ["nonsense"], ["--template", "x", "127.0.0.1:0"]], ids=str)
def test_the_command_refuses_wrong_arguments(command, arguments):
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=180)

    assert (done.returncode != 0, done.stdout) == (True, "")
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


def test_python_m_imports_no_django():
    code = "import sys, django_ihuyi.simulator.__main__; print([name for name in sys.modules if 'django.' in name])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1:8106", ("127.0.0.1", 8106)),
        (":0", ("127.0.0.1", 0)),
        ("8000", ("127.0.0.1", 8000)),
        ("[::1]:80", ("::1", 80)),
        ("localhost:1", ("localhost", 1)),
    ],
)
def test_an_address_is_split(address, expected):
    assert parse_address(address) == expected


@pytest.mark.parametrize("address", ["", "x", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:²"])
def test_an_invalid_address_is_refused(address):
    with pytest.raises(ValueError, match="is not ADDR:PORT"):
        parse_address(address)


def test_a_flag_allows_remote_clients():
    with pytest.raises(ValueError, match="--allow-remote"):
        run(parse("0.0.0.0:0"), say=print)

    assert parse("0.0.0.0:0", "--allow-remote").allow_remote is True


@pytest.mark.parametrize(
    ("arguments", "form", "code"),
    [
        pytest.param([], make_form(), 2, id="defaults"),
        pytest.param(["--account", "C9", "--key", "k"], make_form(account="C9", password="k"), 2, id="account"),
        pytest.param(["--key", "k"], make_form(), 405, id="key"),
        pytest.param(["--balance", "0"], make_form(), 4051, id="balance"),
        pytest.param(["--frozen"], make_form(), 4050, id="frozen"),
        pytest.param(["--signature", "一家公司"], make_form(sign="一家公司"), 2, id="signature"),
        pytest.param(["--template", "9=好【变量】"], make_form(content="好1"), 2, id="template"),
        pytest.param(["--template", "9=好【变量】"], make_form(), 2, id="trial template beside it"),
        pytest.param(["--variable-length", "3"], make_form(), 40722, id="variable length"),
        pytest.param(["--text-length", "9"], make_form(), 4073, id="text length"),
        pytest.param(["--filed-address", "192.0.2.1"], make_form(), 4052, id="filed address"),
        pytest.param(["--blocked-address", "127.0.0.1"], make_form(), 400, id="blocked address"),
        pytest.param(["--time-tolerance", "1"], make_form(time="1700000000"), 40501, id="tolerance"),
    ],
)
def test_a_flag_takes_effect(arguments, form, code):
    assert Caller(make_simulator(parse(*arguments))).submit(form) == code


def test_limits_can_be_lifted_by_a_flag():
    platform = Caller(make_simulator(parse("--no-limits")))

    assert {platform.send() for _ in range(10)} == {2}
    assert platform.simulator.messages()[0].content == TEXT


def test_the_latency_is_a_flag():
    assert make_simulator(parse("--latency", "0.5")).latency == 0.5


def test_pushes_are_set_by_flags():
    urls = ["--receipt-url", "http://127.0.0.1/r", "--reply-url", "http://127.0.0.1/a"]
    simulator = make_simulator(parse(*urls, "--push-delay", "0", "--push-retries", "1,2.5"))

    assert simulator.pushes.plan == PushPlan(delay=0, retries=(1.0, 2.5))
    accounts = simulator.customers.accounts()
    assert {(account.receipt_url, account.reply_url) for account in accounts} == {tuple(urls[1::2])}
    assert [account.product for account in accounts] == [product.name for product in PRODUCTS]


def test_pushes_to_other_machines_need_a_flag():
    with pytest.raises(ValueError, match="--push-remote"):
        make_simulator(parse("--receipt-url", "https://example.com/"))

    assert make_simulator(parse("--receipt-url", "https://example.com/", "--push-remote")).pushes.plan.allow_remote
