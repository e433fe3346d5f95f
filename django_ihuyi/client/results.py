"""The result codes of the platform: what each means, who must act, and all that follows from it.

This is the one place that decides by code. A new code is one new row; a row that differs between products says so in
`by_channel`. `tests/test_result_codes.py` walks each row through client, limits, REST answer, docs page and admin.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

__all__ = ["CATALOGUE", "Actor", "ResultCode", "ResultKind", "describe"]


class ResultKind(enum.Enum):
    """What sort of answer a result code is."""

    SUCCESS = "success"
    THROTTLED = "throttled"
    QUOTA = "quota"
    SUPPRESSED = "suppressed"
    NUMBER = "number"
    CONTENT = "content"
    ACCOUNT = "account"
    CLOCK = "clock"
    REQUEST = "request"
    GENERIC = "generic"


class Actor(enum.Enum):
    """Who must act before a message like this one can go out."""

    NOBODY = "nobody"
    USER = "user"
    DEVELOPER = "developer"
    OPERATOR = "operator"
    PLATFORM = "platform"


class Scope(enum.Enum):
    """How far a refusal reaches."""

    #: This message or its number: a batch does not try the row again.
    MESSAGE = "message"
    #: The pace of sending: a batch tries the row again.
    PACE = "pace"
    #: Every call until this machine's clock is right: the circuit breaker counts a failure; a batch tries again.
    CLOCK = "clock"
    #: Every call until the account is mended: the circuit breaker opens at once; a batch tries again.
    ACCOUNT = "account"


class PauseEnd(enum.Enum):
    """The field of a recipient that remembers when a pause ends."""

    WAIT = "wait_until"
    FULL = "full_until"
    #: For codes only; notices may still be sent.
    FULL_FOR_CODES = "code_full_until"

    @property
    def answer(self) -> str:
        """The `code` of the REST answer while the pause lasts."""
        return "resend_too_soon" if self is PauseEnd.WAIT else "number_limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """For how long the platform takes no further message for the number."""

    lasts: timedelta
    end: PauseEnd = PauseEnd.WAIT


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultCode:
    """One row of the catalogue."""

    code: int
    #: The platform's own words, as its table has them; the numbers in brackets are values of the account.
    seed_text: str = ""
    #: The meaning and what to do, in Chinese and in English.
    zh: str
    en: str
    kind: ResultKind
    actor: Actor
    #: How well it is known: "platform" (its published table), "wild" (seen in answers, published nowhere) or "unknown".
    marks: str = "platform"
    #: Whether the message keeps its claim on the number's limits: the platform counted it, or has no room for another.
    keeps_claim: bool = False
    #: Whether the platform counts it as an attempt at the number; after 20 in a day the number is blacklisted (408).
    is_attempt: bool = True
    scope: Scope = Scope.MESSAGE
    #: The pause before the next message to the number; None if it may be tried at once.
    pause: Pause | None = None
    #: Whether nothing is sent to the number until an operator lifts it.
    suppresses: bool = False
    #: The `code` of the REST answer, and its `retry_after` in seconds (0: to try again does not help).
    answer: str = "sending_unavailable"
    retry_after: int = 60
    #: Whether the platform refused this machine's address; the doctor shows it then.
    is_about_address: bool = False
    #: The rows that stand in place of this one on other channels, by the channel's name.
    by_channel: Mapping[str, ResultCode] = field(default_factory=dict)


def describe(code: int, channel: str = "sms") -> ResultCode:
    """Return the row of a code on a channel; a code that is not in the catalogue is kept, as generic."""
    row = CATALOGUE.get(code)
    if row is not None:
        return row.by_channel.get(channel, row)
    return _generic(
        code=code,
        zh="未知的返回码；请登录平台或联系其客服查询。",
        en="A code that is not published; ask the platform's support.",
        marks="unknown",
    )


def _paused(*, pause: Pause, **columns: Any) -> ResultCode:
    return ResultCode(
        actor=Actor.NOBODY,
        keeps_claim=True,
        pause=pause,
        answer=pause.end.answer,
        retry_after=round(pause.lasts.total_seconds()),
        **columns,
    )


_DAY = timedelta(days=1)

# The columns that the rows of a kind share. A row may override them.
_success = partial(ResultCode, kind=ResultKind.SUCCESS, actor=Actor.NOBODY, keeps_claim=True, answer="", retry_after=0)
_throttled = partial(_paused, kind=ResultKind.THROTTLED, scope=Scope.PACE, pause=Pause(lasts=timedelta(minutes=1)))
_quota = partial(_paused, kind=ResultKind.QUOTA, pause=Pause(lasts=_DAY, end=PauseEnd.FULL))
_suppressed = partial(
    ResultCode,
    kind=ResultKind.SUPPRESSED,
    actor=Actor.OPERATOR,
    keeps_claim=True,
    suppresses=True,
    # As a number that is full for the day is answered: a stranger must not learn who is blacklisted.
    answer="number_limit",
    retry_after=86_400,
)
_number = partial(
    ResultCode,
    kind=ResultKind.NUMBER,
    actor=Actor.USER,
    is_attempt=False,
    answer="number_refused",
    retry_after=0,
)
_content = partial(ResultCode, kind=ResultKind.CONTENT, actor=Actor.OPERATOR)
# The platform looks at account, clock and form before it looks at the number.
_account = partial(ResultCode, kind=ResultKind.ACCOUNT, actor=Actor.OPERATOR, scope=Scope.ACCOUNT, is_attempt=False)
_clock = partial(ResultCode, kind=ResultKind.CLOCK, actor=Actor.OPERATOR, scope=Scope.CLOCK, is_attempt=False)
_request = partial(ResultCode, kind=ResultKind.REQUEST, actor=Actor.DEVELOPER, is_attempt=False)
_generic = partial(ResultCode, kind=ResultKind.GENERIC, actor=Actor.OPERATOR)

_ROWS = (
    _generic(
        code=0,
        seed_text="提交失败",
        zh="平台未接收该短信，未说明原因；短信没有发出。若持续出现，请联系平台客服。",
        en="The platform did not take the message and does not say why; nothing went out. "
        "If it lasts, ask its support.",
        actor=Actor.PLATFORM,
    ),
    _success(
        code=2,
        seed_text="提交成功",
        zh="平台已接收该短信；是否送达以回执为准。",
        en="The platform took the message; a receipt tells whether it arrived.",
    ),
    _account(
        code=400,
        seed_text="非法ip访问",
        zh="服务器的 IP 不被允许；请在平台用户中心登记服务器的出口 IP。",
        en="The server's address is not allowed; register its outgoing address in the platform's user centre.",
        is_about_address=True,
    ),
    _account(
        code=401,
        seed_text="帐号不能为空",
        zh="请求中没有帐号；请检查 account 设置，以及请求是否为表单编码。",
        en="The request named no account; check the account option, and that nothing on the way changes the form.",
    ),
    _account(
        code=402,
        seed_text="密码不能为空",
        zh="请求中没有密码；请检查 api_key 设置。",
        en="The request had no password; check the api_key option.",
    ),
    _request(
        code=403,
        seed_text="手机号码不能为空",
        zh="请求中没有手机号码；这是程序错误。",
        en="The request named no number; this is a bug in the program.",
    ),
    _suppressed(
        code=4030,
        seed_text="手机号码已被列入黑名单",
        zh="该号码在平台黑名单中；在平台解除之前不要再向它发送。",
        en="The number is on the platform's blacklist; send nothing to it until it is lifted there.",
    ),
    _request(
        code=404,
        seed_text="短信内容不能为空",
        zh="请求中没有短信内容；这是程序错误。",
        en="The request had no content; this is a bug in the program.",
    ),
    _account(
        code=405,
        seed_text="API ID 或 API KEY 不正确",
        zh="帐号或密钥错误；请核对该产品的 APIID 与 APIKEY（每个产品各有一套）。",
        en="Account or key is wrong; compare them with those of this product (each has its own).",
    ),
    _account(
        code=4050,
        seed_text="账号被冻结",
        zh="账号已被冻结；请联系平台客服。",
        en="The account is frozen; ask the platform's support.",
    ),
    _clock(
        code=40501,
        seed_text="动态密码已过期",
        zh="动态密码中的时间过旧；请校准服务器时钟。",
        en="The time in the dynamic password is too old; set the server's clock right.",
    ),
    _account(
        code=40502,
        seed_text="动态密码校验失败",
        zh="动态密码不符；请核对密钥，并确认途中没有任何环节改动请求内容。",
        en="The dynamic password does not match; compare the key, and make sure that nothing on the way "
        "changes the request.",
    ),
    _account(
        code=4051,
        seed_text="剩余条数不足",
        zh="账户余量不足；请充值。",
        en="The account has no messages left; buy more.",
        is_attempt=True,  # where the platform looks at the balance is not public
    ),
    _account(
        code=4052,
        seed_text="访问 ip 与备案 ip 不符",
        zh="服务器的出口 IP 与登记的不同；请在平台用户中心更新。",
        en="The server's outgoing address is not the one registered; update it in the platform's user centre.",
        is_about_address=True,
    ),
    _number(
        code=406,
        seed_text="手机格式不正确",
        zh="平台认为该号码不存在；请用户检查号码。",
        en="The platform says that there is no such number; the user should check it.",
    ),
    _content(
        code=407,
        seed_text="短信内容含有敏感字符",
        zh="内容含有敏感词；请修改模板。",
        en="The content has a forbidden word; change the template.",
    ),
    _content(
        code=4070,
        seed_text="签名格式不正确",
        zh="短信签名不合规；内容中不要带签名，请在平台检查签名设置。",
        en="The signature is not well-formed; put none into the content, and check it in the platform's user centre.",
        by_channel={
            "voice": _content(
                code=4070,
                seed_text="签名格式不正确",
                zh="语音验证码须为 4 至 6 位数字；请把 CODE_LENGTH 设为 6。",
                en="A voice code must have 4 to 6 digits; set CODE_LENGTH to 6.",
                actor=Actor.DEVELOPER,
            )
        },
    ),
    _content(
        code=4071,
        seed_text="签名格式不正确",
        zh="没有提交备案模板；请先在平台提交模板并等待审核。",
        en="No template is filed (the platform's newer tables say so); file one and wait for its approval.",
    ),
    _content(
        code=4072,
        seed_text="签名格式不正确",
        zh="内容与审核通过的模板不匹配；除变量外必须逐字相同，标点为全角。",
        en="The content does not match an approved template (the platform's newer tables say so); "
        "all but the variables must be the same, the punctuation is full-width.",
    ),
    _content(
        code=40722,
        seed_text="变量内容超过指定的长度【8】",
        zh="模板变量过长；请缩短变量，或在平台调整模板。",
        en="A variable of the template is too long; shorten it, or change the template in the user centre.",
    ),
    _content(
        code=4073,
        seed_text="短信内容超出长度限制",
        zh="短信内容过长；请缩短模板。",
        en="The content is too long; shorten the template.",
    ),
    _content(
        code=4074,
        seed_text="短信内容包含 emoji 符号",
        zh="短信内容含有 emoji；请从模板中删除。",
        en="The content has an emoji; take it out of the template.",
    ),
    _content(
        code=4075,
        seed_text="签名未通过审核",
        zh="签名未通过审核；请在平台查看审核结果。",
        en="The signature is not approved; see why in the platform's user centre.",
    ),
    _suppressed(
        code=408,
        seed_text="发送超限([20]条),已加入黑名单,可登入平台解除",
        zh="向该号码发送过多，已被平台列入黑名单；请登录平台解除。",
        en="Too many messages went to the number and the platform has blacklisted it; lift it in the user centre.",
    ),
    _throttled(
        code=4080,
        seed_text="同一手机号码同一秒钟之内发送频率不能超过 1 条",
        zh="同一号码每秒只能发送一条；请稍候再试。",
        en="One message a second to one number; wait and try again.",
        pause=Pause(lasts=timedelta(seconds=2)),  # a second more than it says, because clocks differ
    ),
    _quota(
        code=4082,
        seed_text="超出同一手机号一天之内【5】条短信限制",
        zh="该号码当天的短信已达上限；请次日再试。",
        en="The number has had all the messages that it may get in a day; try again tomorrow.",
    ),
    _quota(
        code=4085,
        seed_text="同一手机号验证码短信发送超出【5】条",
        zh="该号码当天的验证码短信已达上限；请次日再试。",
        en="The number has had all the verification codes that it may get in a day; try again tomorrow.",
        pause=Pause(lasts=_DAY, end=PauseEnd.FULL_FOR_CODES),
    ),
    _throttled(
        code=4010,
        zh="发送过于频繁（未公布，据观察）；请一分钟后再试。",
        en="Too frequent (not published, observed); try again in a minute.",
        marks="wild",
    ),
    _generic(
        code=4077,
        zh="含义未公布；请联系平台客服。",
        en="Seen in answers, its meaning is not published; ask the platform's support.",
        marks="wild",
    ),
    _throttled(
        code=4081,
        zh="同一号码每分钟一条（未公布，据观察）；请一分钟后再试。",
        en="One message a minute to one number (not published, observed); try again in a minute.",
        marks="wild",
    ),
    _throttled(
        code=4083,
        zh="同一号码相同内容每分钟一条（未公布，据观察）；请一分钟后再试。",
        en="The same content to one number once a minute (not published, observed); try again in a minute.",
        marks="wild",
    ),
    _throttled(
        code=4084,
        zh="同一号码相同内容每天五条（未公布，据观察）；请次日再试。",
        en="The same content to one number five times a day (not published, observed); try again tomorrow.",
        marks="wild",
        pause=Pause(lasts=_DAY, end=PauseEnd.FULL),
    ),
    _throttled(
        code=4086,
        zh="同一号码每两分钟一条（未公布，据观察）；请两分钟后再试。",
        en="One message in two minutes to one number (not published, observed); try again in two minutes.",
        marks="wild",
        pause=Pause(lasts=timedelta(minutes=2)),
    ),
    _generic(
        code=40505,
        zh="含义未公布；请联系平台客服。",
        en="Seen in answers, its meaning is not published; ask the platform's support.",
        marks="wild",
    ),
)

#: All known result codes by number. Source: the platform's page on its SMS interface, and answers seen in the wild.
CATALOGUE: Mapping[int, ResultCode] = MappingProxyType({row.code: row for row in _ROWS})
