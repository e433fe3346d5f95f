"""W-08: replies are written down once, as they are, and may opt a phone out."""

from datetime import datetime, timezone

import pytest
from django.db import IntegrityError
from django.utils import timezone as django_timezone

from django_ihuyi.models import Recipient, Reply
from django_ihuyi.models.replies import ReplyQuerySet
from tests.support.use_cases import PHONE

pytestmark = pytest.mark.django_db

REPLIED_AT = datetime(2026, 11, 24, 12, 0, 5, tzinfo=timezone.utc)


@pytest.mark.parametrize("name", ["reply_time", "replyTime"])
def test_a_reply_is_written_down(platform, message, name):
    form = {
        "mobilephone": "13800138000",
        "content": "谢谢😀",
        "smsid": message.platform_id,
        name: "2026-11-24 20:00:05",
    }
    answer = platform.push("replies", **form)

    reply = Reply.objects.get()
    assert (answer.status_code, answer.content) == (200, b"success")
    assert (reply.recipient.phone, reply.content) == (PHONE, "谢谢😀")
    assert (reply.platform_id, reply.replied_at) == (message.platform_id, REPLIED_AT)


def test_a_repeated_reply_is_written_once(platform, message):
    answers = [platform.reply("TD") for _ in range(3)]

    assert [answer.content for answer in answers] == [b"success"] * 3
    assert Reply.objects.count() == 1


@pytest.mark.parametrize(
    "other",
    [{"content": "T"}, {"smsid": "2"}, {"reply_time": "2026-11-24 20:00:06"}],
    ids=lambda other: next(iter(other)),
)
def test_another_reply_is_another_one(platform, message, other):
    platform.reply("TD")
    platform.reply(**{"content": "TD", **other})

    assert Reply.objects.count() == 2


def test_a_reply_of_one_phone_is_not_a_repetition_of_anothers(platform, message):
    Recipient.objects.create(phone="+8613900139000")

    platform.reply("TD")
    platform.reply("TD", mobilephone="13900139000")

    assert Reply.objects.count() == 2


@pytest.mark.parametrize("reply_time", ["", "soon", "2026-02-30 00:00:00"])
def test_a_reply_whose_time_cannot_be_read_is_of_now_and_written_once(platform, message, reply_time):
    before = django_timezone.now()
    for _ in range(2):
        platform.reply("TD", reply_time=reply_time)

    assert before <= Reply.objects.get().replied_at <= django_timezone.now()


@pytest.mark.parametrize("content", ["T", "td", " TD ", "退订"])
def test_an_opt_out_reply_opts_the_phone_out(platform, message, content):
    platform.reply(content)

    assert Recipient.objects.get().opted_out_at is not None


@pytest.mark.parametrize("smsid", ["", "0"])
def test_a_reply_to_no_message_is_stored(platform, message, smsid):
    assert platform.reply("TD", smsid=smsid).content == b"success"

    assert Recipient.objects.get().opted_out_at is not None
    assert Reply.objects.get().platform_id == ""


def test_a_reply_whose_recipient_is_purged_meanwhile_is_taken_anew(platform, message, monkeypatch):
    """The purge is played: between two statements of one request there is nothing to hold it at."""
    faults = [IntegrityError]
    record = ReplyQuerySet.record

    def lose_the_first_time(replies, *arguments, **options):
        if faults:
            raise faults.pop()
        return record(replies, *arguments, **options)

    monkeypatch.setattr(ReplyQuerySet, "record", lose_the_first_time)

    assert platform.reply("TD").content == b"success"
    assert Reply.objects.count() == 1


@pytest.mark.parametrize("content", ["Thanks", "", "TDD"])
def test_any_other_reply_does_not_opt_out(platform, message, content):
    platform.reply(content)

    assert (Reply.objects.get().content, Recipient.objects.get().opted_out_at) == (content, None)


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        ("x" * 2_500, "x" * 2_000),
        ("😀" * 2_500, "😀" * 2_000),
        ("a\x00b", "ab"),
        ("=1+1", "=1+1"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("a\r\nb\u2028c", "a\r\nb\u2028c"),
        ("👨‍👩‍👧‍👦𠮷", "👨‍👩‍👧‍👦𠮷"),
    ],
    ids=["long", "long in emoji", "NUL", "formula", "script", "line ends", "beyond the first plane"],
)
def test_a_text_is_kept_as_it_is(platform, message, content, kept):
    platform.reply(content)

    assert Reply.objects.get().content == kept


def test_a_reply_of_a_phone_that_nothing_was_sent_to_is_not_kept(platform, message):
    answer = platform.reply("TD", mobilephone="13700137000")

    assert (answer.content, Reply.objects.count()) == (b"success", 0)


def test_a_reply_needs_a_content(platform, message):
    assert platform.push("replies", mobilephone="13800138000", smsid="1").status_code == 400


def test_a_reply_may_have_no_id(platform, message):
    platform.push("replies", mobilephone="13800138000", content="TD")

    assert Reply.objects.get().platform_id == ""


def test_replies_of_older_versions_are_no_repetitions(message):
    """Their rows have no digest, and the version before this one goes on writing such rows."""
    recipient = Recipient.objects.get()
    for _ in range(2):
        Reply.objects.create(recipient=recipient, content="TD", platform_id="1", replied_at=REPLIED_AT)

    assert Reply.objects.filter(digest=None).count() == 2
