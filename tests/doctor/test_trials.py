"""`--send-to` sends one real message within the limits, and reports its result."""

import pytest

from django_ihuyi.models import Kind, Message
from tests.support.live_platform import submits
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.django_db

NUMBER = "13800138000"


@pytest.fixture
def send_to(run):
    """Send with the doctor; return its exit code and its last line."""

    def send_to(*words, number=NUMBER):
        exit_code, lines = run("ihuyi_doctor", "--send-to", number, *words)
        return exit_code, lines[-1]

    return send_to


def test_a_code_is_sent_and_followed(platform, send_to):
    simulator = platform()

    exit_code, line = send_to()

    [arrived] = simulator.messages(NUMBER)
    message = Message.objects.get()
    assert (exit_code, message.purpose, message.kind, message.platform_id) == (0, "register", Kind.CODE, arrived.smsid)
    assert line == (
        "OK    message: The message to 138****8000 is submitted. "
        f"The call took {message.duration:.2f} seconds; the platform's id is {arrived.smsid}."
    )
    assert arrived.code not in line.replace(arrived.smsid, "")


def test_a_purpose_can_be_named(platform, send_to):
    platform()

    send_to("--purpose", "login")

    assert Message.objects.get().purpose == "login"


def test_a_template_is_sent_as_a_notice(platform, send_to, configure):
    simulator = platform()
    configure(TEMPLATES={"code": {"TEXT": "{code}", "ID": "1"}, "shipped": {"TEXT": "您的订单{1}已发货。", "ID": "2"}})

    exit_code, _ = send_to("--template", "shipped", "--variable", "A17")

    [arrived] = simulator.messages(NUMBER)
    assert (exit_code, arrived.content) == (0, "您的订单A17已发货，请注意查收。")


def test_the_message_counts_for_the_limits(platform, send_to):
    simulator = platform()
    send_to("--purpose", "login")

    exit_code, line = send_to("--purpose", "login")

    assert exit_code == 1
    assert line.startswith("FAIL  message: resend_too_soon: try again in ")
    assert len(submits(simulator)) == 1


def test_a_refusal_is_reported_with_its_result_code(platform, send_to):
    simulator = platform()
    simulator.force(4072, mobile=NUMBER)

    exit_code, line = send_to()

    assert exit_code == 1
    assert line.startswith("FAIL  message: The message to 138****8000 is refused. 4072: ")


def test_an_earlier_refusal_is_not_reported_again(platform, send_to):
    simulator = platform()
    simulator.force(4030, mobile=NUMBER)
    send_to()
    let_pass(minutes=5)

    exit_code, line = send_to()

    assert (exit_code, line[:43]) == (1, "FAIL  message: number_limit: try again in 8"[:43])
    assert len(submits(simulator)) == 1


@pytest.mark.parametrize(
    ("words", "number", "line"),
    [
        pytest.param(
            (),
            "138",
            "FAIL  message: enter a mobile number of mainland China: 11 digits that begin with 13 to 19.",
            id="number",
        ),
        pytest.param(("--purpose", "x"), NUMBER, "FAIL  message: name one of IHUYI['PURPOSES'].", id="purpose"),
        pytest.param(("--template", "x"), NUMBER, "FAIL  message: name one of IHUYI['TEMPLATES'].", id="template"),
        pytest.param(
            ("--template", "code"),
            NUMBER,
            "FAIL  message: the template 'code' has more places than there are variables.",
            id="variables",
        ),
    ],
)
def test_invalid_arguments_are_reported(platform, send_to, words, number, line):
    simulator = platform()

    assert send_to(*words, number=number) == (1, line)
    assert submits(simulator) == []


def test_nothing_is_sent_after_a_failure(platform, send_to):
    simulator = platform(options={"account": "C11111112"})

    assert send_to() == (1, "FAIL  message: No message was sent, because of the failures above. Correct them first.")
    assert submits(simulator) == []
