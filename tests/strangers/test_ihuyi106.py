"""The npm package `ihuyi106`, unmodified, cannot tell the simulator from the platform."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from django_ihuyi.simulator import Account, Limits, Simulator
from django_ihuyi.simulator.accounts import trial_account
from django_ihuyi.simulator.server import serving

pytestmark = pytest.mark.proof

HERE = Path(__file__).parent
KEY = "0123456789abcdef0123456789abcdef"
TEXT = "您的验证码是：1234。请不要把验证码泄露给其他人。"
ENGLISH = "Your verification code is 0000. Please do not share it with anyone."
MOBILE = "13800138000"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the package in it, fresh from the registry."""
    npm = shutil.which("npm")
    assert npm, "This proof runs a Node program: install node and npm (Debian: apt-get install nodejs npm)."
    folder = tmp_path_factory.mktemp("ihuyi106")
    (folder / "package.json").write_text('{"name": "stranger", "private": true}')
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "ihuyi106@1.0.1"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    shutil.copy(HERE / "ihuyi106.js", folder)
    return folder


@pytest.fixture
def simulator():
    """The package has one account name for both of its products."""
    abroad = trial_account("international")
    accounts = [
        Account(limits=Limits(per_second=None, codes_per_day=2)),
        Account(product="international", templates=abroad.templates, signatures=abroad.signatures),
    ]
    return Simulator(accounts=accounts)


@pytest.fixture
def run(installed, simulator):
    """Make calls of the package one after another; return what it made of each answer."""
    with serving(simulator) as server:

        def run(*calls, key=KEY):
            address = server.url.removeprefix("http://")
            environ = {**os.environ, "SIMULATOR": address, "NODE_OPTIONS": f"--require {HERE / 'redirect.js'}"}
            command = [shutil.which("node"), "ihuyi106.js", json.dumps(["C00000001", key, key, *calls])]
            done = subprocess.run(
                command, cwd=installed, env=environ, capture_output=True, encoding="utf-8", timeout=180
            )
            assert done.returncode == 0, done.stderr
            return json.loads(done.stdout.splitlines()[-1])

        yield run


def test_it_sends(run, simulator):
    [result] = run(["send", MOBILE, TEXT])

    message = simulator.messages(MOBILE)[0]
    assert result == {"error": "", "id": message.smsid}
    assert (message.content, message.code) == (TEXT, "1234")


def test_it_sends_abroad_and_finds_the_other_id(run, simulator):
    [result] = run(["sendInternational", 44, "7911123456", ENGLISH])

    message = simulator.messages("44 7911123456")[0]
    assert result == {"error": "", "id": message.smsid}
    assert (message.product, message.code) == ("international", "0000")


def test_it_is_refused_in_the_platforms_words(run):
    assert run(["send", MOBILE, TEXT], key="0" * 32) == [{"error": "API ID 或 API KEY 不正确", "id": ""}]


@pytest.mark.parametrize(
    ("mobile", "content", "words"),
    [
        ("", TEXT, "手机号码不能为空"),
        ("12345", TEXT, "手机格式不正确"),
        (MOBILE, "free text", "签名格式不正确"),  # 4072, in the words of the platform's page
        ("19900004030", TEXT, "手机号码已被列入黑名单"),
        ("19900004051", TEXT, "剩余条数不足"),
        ("19900040722", TEXT, "变量内容超过指定的长度【8】"),
    ],
)
def test_it_hears_why(run, mobile, content, words):
    assert run(["send", mobile, content]) == [{"error": words, "id": ""}]


def test_it_meets_the_limit_of_codes_in_the_platforms_words(run, simulator):
    results = run(*[["send", MOBILE, TEXT]] * 3)

    assert [result["error"] for result in results] == ["", "", "同一手机号验证码短信发送超出【2】条"]
    assert len(simulator.messages()) == 2


def test_it_meets_the_limit_of_a_second_in_the_platforms_words(run, simulator):
    simulator.customers.put(Account(limits=Limits(per_second=1)))

    results = run(*[["send", MOBILE, TEXT]] * 2)
    assert [result["error"] for result in results] == ["", "同一手机号码同一秒钟之内发送频率不能超过 1 条"]


def test_it_says_when_the_server_fails(run, simulator):
    simulator.break_down("http_502")

    assert run(["send", MOBILE, TEXT]) == [{"error": "短信发送服务器响应失败。", "id": ""}]
