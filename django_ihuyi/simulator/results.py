"""The platform's result codes and texts, and the numbers that are answered with them."""

from __future__ import annotations

from collections.abc import Mapping

from django_ihuyi.simulator.accounts import Account

SUCCESS = 2

#: The texts of the platform's own page. Numbers in brackets are the account's limits.
TEXTS: Mapping[int, str] = {
    0: "提交失败",
    2: "提交成功",
    400: "非法ip访问",
    401: "帐号不能为空",
    402: "密码不能为空",
    403: "手机号码不能为空",
    4030: "手机号码已被列入黑名单",
    404: "短信内容不能为空",
    405: "API ID 或 API KEY 不正确",
    4050: "账号被冻结",
    40501: "动态密码已过期",
    40502: "动态密码校验失败",
    4051: "剩余条数不足",
    4052: "访问 ip 与备案 ip 不符",
    406: "手机格式不正确",
    407: "短信内容含有敏感字符",
    4070: "签名格式不正确",
    # The page has the same text three times; other copies of the table say
    # 没有提交备案模板 for 4071 and 内容与审核通过的模板不匹配 for 4072.
    4071: "签名格式不正确",
    4072: "签名格式不正确",
    40722: "变量内容超过指定的长度【{variable_length}】",
    4073: "短信内容超出长度限制",
    4074: "短信内容包含 emoji 符号",
    4075: "签名未通过审核",
    408: "发送超限([{blacklist_after}]条),已加入黑名单,可登入平台解除",
    4080: "同一手机号码同一秒钟之内发送频率不能超过 {per_second} 条",
    4082: "超出同一手机号一天之内【{per_day}】条短信限制",
    4085: "同一手机号验证码短信发送超出【{codes_per_day}】条",
    # Seen in the wild only: the codes are known, the texts are ours.
    4010: "同一手机号码一分钟之内发送频率不能超过 1 条",
    40505: "账号状态异常",
    4077: "短信内容未通过审核",
    4081: "同一手机号码一分钟之内发送频率不能超过 1 条",
    4083: "同一手机号码一分钟之内相同内容发送不能超过 1 条",
    4084: "同一手机号码一天之内相同内容发送不能超过 5 条",
    4086: "同一手机号码两分钟之内发送频率不能超过 1 条",
}

UNKNOWN_TEXT = "未知错误"
BALANCE_TEXT = "查询成功"


def magic_numbers(prefix: str) -> Mapping[str, int]:
    """Return the numbers that are always answered with one code (ours): the prefix, and the code in five digits."""
    return {f"{prefix}{code:05d}": code for code in TEXTS if code != SUCCESS}


def phrase(code: int, account: Account) -> str:
    """Return the platform's text of a result code, with the account's limits in it."""
    limits = account.limits
    return TEXTS.get(code, UNKNOWN_TEXT).format(
        variable_length=account.variable_length,
        per_second=limits.per_second or 1,
        per_day=limits.per_day or 5,
        codes_per_day=limits.codes_per_day or 5,
        blacklist_after=limits.blacklist_after or 20,
    )
