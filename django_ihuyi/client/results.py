"""Every result code of the platform: what it means, and who must act on it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultCode:
    """One line of the catalogue."""

    code: int
    #: The platform's own words, as its table has them; the numbers in brackets are values of the account.
    seed_text: str
    #: The meaning and what to do, in Chinese and in English.
    zh: str
    en: str
    kind: ResultKind
    actor: Actor
    #: How well it is known: "platform" (its published table) or "wild" (seen in answers, published nowhere).
    marks: str = "platform"


def describe(code: int) -> ResultCode:
    """Look up any code; one that nobody knows is kept, as generic."""
    return CATALOGUE.get(code) or ResultCode(
        code=code,
        seed_text="",
        zh="未知的返回码；请登录平台或联系其客服查询。",
        en="A code that is not published; ask the platform's support.",
        kind=ResultKind.GENERIC,
        actor=Actor.OPERATOR,
        marks="unknown",
    )


_ROWS = (
    ResultCode(
        code=0,
        seed_text="提交失败",
        zh="平台未接收该短信，未说明原因；短信没有发出。若持续出现，请联系平台客服。",
        en="The platform did not take the message and does not say why; nothing went out. "
        "If it lasts, ask its support.",
        kind=ResultKind.GENERIC,
        actor=Actor.PLATFORM,
    ),
    ResultCode(
        code=2,
        seed_text="提交成功",
        zh="平台已接收该短信；是否送达以回执为准。",
        en="The platform took the message; a receipt tells whether it arrived.",
        kind=ResultKind.SUCCESS,
        actor=Actor.NOBODY,
    ),
    ResultCode(
        code=400,
        seed_text="非法ip访问",
        zh="服务器的 IP 不被允许；请在平台用户中心登记服务器的出口 IP。",
        en="The server's address is not allowed; register its outgoing address in the platform's user centre.",
        kind=ResultKind.ACCOUNT,
        actor=Actor.OPERATOR,
    ),
    ResultCode(
        code=401,
        seed_text="帐号不能为空",
        zh="请求中没有帐号；请检查 account 设置，以及请求是否为表单编码。",
        en="The request named no account; check the account option, and that nothing on the way changes the form.",
        kind=ResultKind.ACCOUNT,
        actor=Actor.OPERATOR,
    ),
    ResultCode(
        code=402,
        seed_text="密码不能为空",
        zh="请求中没有密码；请检查 api_key 设置。",
        en="The request had no password; check the api_key option.",
        kind=ResultKind.ACCOUNT,
        actor=Actor.OPERATOR,
    ),
    ResultCode(
        code=403,
        seed_text="手机号码不能为空",
        zh="请求中没有手机号码；这是程序错误。",
        en="The request named no number; this is a bug in the program.",
        kind=ResultKind.REQUEST,
        actor=Actor.DEVELOPER,
    ),
    ResultCode(
        code=4030,
        seed_text="手机号码已被列入黑名单",
        zh="该号码在平台黑名单中；在平台解除之前不要再向它发送。",
        en="The number is on the platform's blacklist; send nothing to it until it is lifted there.",
        kind=ResultKind.SUPPRESSED,
        actor=Actor.OPERATOR,
    ),
    ResultCode(
        code=404,
        seed_text="短信内容不能为空",
        zh="请求中没有短信内容；这是程序错误。",
        en="The request had no content; this is a bug in the program.",
        kind=ResultKind.REQUEST,
        actor=Actor.DEVELOPER,
    ),
    ResultCode(
        code=405,
        seed_text="API ID 或 API KEY 不正确",
        zh="帐号或密钥错误；请核对该产品的 APIID 与 APIKEY（每个产品各有一套）。",
        en="Account or key is wrong; compare them with those of this product (each has its own).",
        kind=ResultKind.ACCOUNT,
        actor=Actor.OPERATOR,
    ),
    ResultCode(
        code=4050,
        seed_text="账号被冻结",
        zh="账号已被冻结；请联系平台客服。",
        en="The account is frozen; ask the platform's support.",
        kind=ResultKind.ACCOUNT,
        actor=Actor.OPERATOR,
    ),
    ResultCode(
        code=40501,
        seed_text="动态密码已过期",
        zh="动态密码中的时间过旧；请校准服务器时钟。",
        en="The time in the dynamic password is too old; set the server's clock right.",
        kind=ResultKind.CLOCK,
        actor=Actor.OPERATOR,
    ),
    ResultCode(
        code=40502,
        seed_text="动态密码校验失败",
        zh="动态密码不符；请核对密钥，并确认途中没有任何环节改动请求内容。",
        en="The dynamic password does not match; compare the key, and make sure that nothing on the way "
        "changes the request.",
        kind=ResultKind.ACCOUNT,
        actor=Actor.OPERATOR,
    ),
    ResultCode(
        code=4051,
        seed_text="剩余条数不足",
        zh="账户余量不足；请充值。",
        en="The account has no messages left; buy more.",
        kind=ResultKind.ACCOUNT,
        actor=Actor.OPERATOR,
    ),
    ResultCode(
        code=4052,
        seed_text="访问 ip 与备案 ip 不符",
        zh="服务器的出口 IP 与登记的不同；请在平台用户中心更新。",
        en="The server's outgoing address is not the one registered; update it in the platform's user centre.",
        kind=ResultKind.ACCOUNT,
        actor=Actor.OPERATOR,
    ),
    ResultCode(
        code=406,
        seed_text="手机格式不正确",
        zh="平台认为该号码不存在；请用户检查号码。",
        en="The platform says that there is no such number; the user should check it.",
        kind=ResultKind.NUMBER,
        actor=Actor.USER,
    ),
    ResultCode(
        code=407,
        seed_text="短信内容含有敏感字符",
        zh="内容含有敏感词；请修改模板。",
        en="The content has a forbidden word; change the template.",
        kind=ResultKind.CONTENT,
        actor=Actor.OPERATOR,
    ),
    ResultCode(
        code=4070,
        seed_text="签名格式不正确",
        zh="短信签名不合规；内容中不要带签名，请在平台检查签名设置。",
        en="The signature is not well-formed; put none into the content, and check it in the platform's user centre.",
        kind=ResultKind.CONTENT,
        actor=Actor.OPERATOR,
    ),
    ResultCode(
        code=4071,
        seed_text="签名格式不正确",
        zh="没有提交备案模板；请先在平台提交模板并等待审核。",
        en="No template is filed (the platform's newer tables say so); file one and wait for its approval.",
        kind=ResultKind.CONTENT,
        actor=Actor.OPERATOR,
    ),
    ResultCode(
        code=4072,
        seed_text="签名格式不正确",
        zh="内容与审核通过的模板不匹配；除变量外必须逐字相同，标点为全角。",
        en="The content does not match an approved template (the platform's newer tables say so); "
        "all but the variables must be the same, the punctuation is full-width.",
        kind=ResultKind.CONTENT,
        actor=Actor.OPERATOR,
    ),
    ResultCode(
        code=40722,
        seed_text="变量内容超过指定的长度【8】",
        zh="模板变量过长；请缩短变量，或在平台调整模板。",
        en="A variable of the template is too long; shorten it, or change the template in the user centre.",
        kind=ResultKind.CONTENT,
        actor=Actor.OPERATOR,
    ),
    ResultCode(
        code=4073,
        seed_text="短信内容超出长度限制",
        zh="短信内容过长；请缩短模板。",
        en="The content is too long; shorten the template.",
        kind=ResultKind.CONTENT,
        actor=Actor.OPERATOR,
    ),
    ResultCode(
        code=4074,
        seed_text="短信内容包含 emoji 符号",
        zh="短信内容含有 emoji；请从模板中删除。",
        en="The content has an emoji; take it out of the template.",
        kind=ResultKind.CONTENT,
        actor=Actor.OPERATOR,
    ),
    ResultCode(
        code=4075,
        seed_text="签名未通过审核",
        zh="签名未通过审核；请在平台查看审核结果。",
        en="The signature is not approved; see why in the platform's user centre.",
        kind=ResultKind.CONTENT,
        actor=Actor.OPERATOR,
    ),
    ResultCode(
        code=408,
        seed_text="发送超限([20]条),已加入黑名单,可登入平台解除",
        zh="向该号码发送过多，已被平台列入黑名单；请登录平台解除。",
        en="Too many messages went to the number and the platform has blacklisted it; lift it in the user centre.",
        kind=ResultKind.SUPPRESSED,
        actor=Actor.OPERATOR,
    ),
    ResultCode(
        code=4080,
        seed_text="同一手机号码同一秒钟之内发送频率不能超过 1 条",
        zh="同一号码每秒只能发送一条；请稍候再试。",
        en="One message a second to one number; wait and try again.",
        kind=ResultKind.THROTTLED,
        actor=Actor.NOBODY,
    ),
    ResultCode(
        code=4082,
        seed_text="超出同一手机号一天之内【5】条短信限制",
        zh="该号码当天的短信已达上限；请次日再试。",
        en="The number has had all the messages that it may get in a day; try again tomorrow.",
        kind=ResultKind.QUOTA,
        actor=Actor.NOBODY,
    ),
    ResultCode(
        code=4085,
        seed_text="同一手机号验证码短信发送超出【5】条",
        zh="该号码当天的验证码短信已达上限；请次日再试。",
        en="The number has had all the verification codes that it may get in a day; try again tomorrow.",
        kind=ResultKind.QUOTA,
        actor=Actor.NOBODY,
    ),
    ResultCode(
        code=4010,
        seed_text="",
        zh="发送过于频繁（未公布，据观察）；请一分钟后再试。",
        en="Too frequent (not published, observed); try again in a minute.",
        kind=ResultKind.THROTTLED,
        actor=Actor.NOBODY,
        marks="wild",
    ),
    ResultCode(
        code=4077,
        seed_text="",
        zh="含义未公布；请联系平台客服。",
        en="Seen in answers, its meaning is not published; ask the platform's support.",
        kind=ResultKind.GENERIC,
        actor=Actor.OPERATOR,
        marks="wild",
    ),
    ResultCode(
        code=4081,
        seed_text="",
        zh="同一号码每分钟一条（未公布，据观察）；请一分钟后再试。",
        en="One message a minute to one number (not published, observed); try again in a minute.",
        kind=ResultKind.THROTTLED,
        actor=Actor.NOBODY,
        marks="wild",
    ),
    ResultCode(
        code=4083,
        seed_text="",
        zh="同一号码相同内容每分钟一条（未公布，据观察）；请一分钟后再试。",
        en="The same content to one number once a minute (not published, observed); try again in a minute.",
        kind=ResultKind.THROTTLED,
        actor=Actor.NOBODY,
        marks="wild",
    ),
    ResultCode(
        code=4084,
        seed_text="",
        zh="同一号码相同内容每天五条（未公布，据观察）；请次日再试。",
        en="The same content to one number five times a day (not published, observed); try again tomorrow.",
        kind=ResultKind.THROTTLED,
        actor=Actor.NOBODY,
        marks="wild",
    ),
    ResultCode(
        code=4086,
        seed_text="",
        zh="同一号码每两分钟一条（未公布，据观察）；请两分钟后再试。",
        en="One message in two minutes to one number (not published, observed); try again in two minutes.",
        kind=ResultKind.THROTTLED,
        actor=Actor.NOBODY,
        marks="wild",
    ),
    ResultCode(
        code=40505,
        seed_text="",
        zh="含义未公布；请联系平台客服。",
        en="Seen in answers, its meaning is not published; ask the platform's support.",
        kind=ResultKind.GENERIC,
        actor=Actor.OPERATOR,
        marks="wild",
    ),
)

#: All known result codes by number. Source: the platform's page on its SMS interface, and answers seen in the wild.
CATALOGUE: Mapping[int, ResultCode] = MappingProxyType({row.code: row for row in _ROWS})
