"""What each backend makes of a message, by the channel that it serves."""

import json
from urllib.parse import parse_qs

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_ihuyi import phones
from django_ihuyi.backends import get_backend
from django_ihuyi.backends.ihuyi import IhuyiBackend
from django_ihuyi.backends.locmem import SentText
from django_ihuyi.client.outcomes import Outcome
from django_ihuyi.client.wsgi import WSGIAdapter
from django_ihuyi.texts.templates import OutgoingText

BACKENDS = "django_ihuyi.backends"
PHONE = "+8613800138000"
CODE = OutgoingText(content="您的验证码是：480917。请不要把验证码泄露给其他人。", code="480917")
CODE_BY_TEMPLATE = OutgoingText(content="480917", template_id="1", code="480917")
NOTICE = OutgoingText(content="A17|顺丰", template_id="7")


class Platform:
    """A WSGI application that takes every message, and notes its address and form."""

    def __call__(self, environ, start_response):
        form = parse_qs(environ["wsgi.input"].read().decode())
        self.host = environ["HTTP_HOST"]
        self.path = environ["PATH_INFO"]
        self.sent = tuple(form[name][0] for name in ("mobile", "content", "templateid") if name in form)
        ids = dict.fromkeys(("smsid", "voiceid", "ismsid"), "16165686731585006595")
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"code": 2, "msg": "提交成功", "num": 7, **ids}).encode()]


@pytest.fixture
def platform():
    return Platform()


@pytest.fixture
def make_backend(platform, configure):
    """Make the backend of a channel, in front of the platform."""

    def make(channel, /, **options):
        options = {"account": "C12345678", "api_key": "9b1deb4d3b7d", "adapter": WSGIAdapter(platform), **options}
        configure(CHANNELS={channel: {"BACKEND": f"{BACKENDS}.ihuyi.IhuyiBackend", "OPTIONS": options}})
        return get_backend(channel)

    return make


NOTICES_BY_VOICE = {"product": "voice_notice"}
MESSAGES = {
    "sms": ("sms", {}, CODE, ("13800138000", CODE.content)),
    "sms by template": ("sms", {}, CODE_BY_TEMPLATE, ("13800138000", "480917", "1")),
    "a channel of the host's own": ("sms_backup", {}, CODE, ("13800138000", CODE.content)),
    # The digits alone, without the number of the template that the same code has as an SMS.
    "voice": ("voice", {}, CODE, ("13800138000", "480917")),
    "voice by template": ("voice", {}, CODE_BY_TEMPLATE, ("13800138000", "480917")),
    "voice notice, code": ("voice", NOTICES_BY_VOICE, CODE_BY_TEMPLATE, ("13800138000", "480917", "1")),
    "voice notice, own template": (
        "voice",
        {**NOTICES_BY_VOICE, "voice_template_id": "8"},
        CODE,
        ("13800138000", "480917", "8"),
    ),
    "voice notice": ("voice", NOTICES_BY_VOICE, NOTICE, ("13800138000", "A17|顺丰", "7")),
    "marketing": ("marketing", {}, NOTICE, ("13800138000", "A17|顺丰", "7")),
}


@pytest.mark.parametrize(("channel", "options", "text", "sent"), MESSAGES.values(), ids=MESSAGES)
def test_each_channel_gets_the_message_in_its_own_form(channel, options, text, sent, make_backend, platform):
    submission = make_backend(channel, **options).submit(PHONE, text)

    assert (submission.outcome, submission.platform_id) == (Outcome.ACCEPTED, "16165686731585006595")
    assert platform.sent == sent


def test_a_foreign_number_is_written_with_its_country_code_and_one_blank(make_backend, platform):
    make_backend("international").submit("+447911123456", CODE)

    assert platform.sent == ("44 7911123456", CODE.content)


ADDRESSES = {
    "sms": "106.ihuyi.com/webservice/sms.php",
    "voice": "api.voice.ihuyi.com/webservice/voice.php",
    "international": "api.ihuyi.com/isms/Submit.json",
    "marketing": "api.yx.ihuyi.com/webservice/sms.php",
}


@pytest.mark.parametrize(("channel", "address"), ADDRESSES.items(), ids=ADDRESSES)
def test_each_channel_has_its_address(channel, address, make_backend, platform):
    make_backend(channel).submit(PHONE if channel != "international" else "+447911123456", CODE)

    assert platform.host + platform.path == address


def test_a_notice_is_not_spoken_as_a_code(make_backend, platform):
    submission = make_backend("voice").submit(PHONE, NOTICE)

    assert (submission.outcome, submission.fault) == (Outcome.UNSENT, "no_code")
    assert not hasattr(platform, "sent")


def test_each_channel_tells_its_balance(make_backend, platform):
    assert make_backend("voice").get_balance().units == 7
    assert platform.host == "api.voice.ihuyi.com"


@pytest.mark.parametrize("options", [{"product": "fax"}, {"channel": "sms"}, {"colour": "red"}], ids=str)
def test_options_that_make_no_sense_are_a_misconfiguration(options, make_backend):
    with pytest.raises(ImproperlyConfigured, match="voice"):
        make_backend("voice", **options)


@pytest.mark.parametrize("channel", ["sms", "voice"])
def test_the_outbox_tells_the_channel(channel, outbox, configure):
    configure(CHANNELS={channel: {"BACKEND": f"{BACKENDS}.locmem.LocmemBackend"}})

    get_backend(channel).submit(PHONE, CODE)

    assert outbox == [SentText(phone=PHONE, content=CODE.content, code="480917", channel=channel)]


@pytest.mark.parametrize(("channel", "printed"), [("sms", "SMS to"), ("voice", "VOICE to")])
def test_the_console_tells_the_channel(channel, printed, configure, capsys):
    configure(CHANNELS={channel: {"BACKEND": f"{BACKENDS}.console.ConsoleBackend"}})

    get_backend(channel).submit(PHONE, CODE)

    assert capsys.readouterr().out == f"{printed} {PHONE}: {CODE.content}\n"


def test_a_backend_of_the_hosts_own_serves_sms_unless_told_otherwise():
    assert IhuyiBackend(account="C12345678", api_key="9b1deb4d3b7d").channel == "sms"


@pytest.mark.parametrize("channel", ADDRESSES)
def test_one_simulator_in_the_process_serves_all_channels(channel, own_simulator, configure):
    configure(CHANNELS={channel: {"BACKEND": f"{BACKENDS}.simulator.SimulatorBackend"}})
    backend = get_backend(channel)
    number = "+447911123456" if channel == "international" else PHONE

    submission = backend.submit(number, CODE)

    [message] = own_simulator().messages()
    assert (submission.outcome, submission.platform_id) == (Outcome.ACCEPTED, message.smsid)
    assert (message.product, message.mobile, message.code) == (backend.product, phones.wire(number), "480917")
    assert backend.get_balance().units > 0


def test_a_product_that_does_not_exist_is_a_misconfiguration_in_the_simulator_too(configure):
    configure(CHANNELS={"voice": {"BACKEND": f"{BACKENDS}.simulator.SimulatorBackend", "OPTIONS": {"product": "fax"}}})

    with pytest.raises(ImproperlyConfigured, match="voice"):
        get_backend("voice")
