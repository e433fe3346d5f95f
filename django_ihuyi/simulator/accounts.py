"""Accounts of the imitated platform: filed templates, signatures and limits."""

from __future__ import annotations

from dataclasses import dataclass, field

#: The placeholder for a value in a filed template.
VARIABLE = "【变量】"

#: A template with one of these counts as one for verification codes (4085); the rule is ours.
CODE_WORDS = ("验证码", "verification code")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A filed text; the platform refuses every text that follows none."""

    id: str
    text: str

    @property
    def is_code(self) -> bool:
        """Return True if messages of this template count as verification codes (4085); the rule is ours."""
        return any(word in self.text for word in CODE_WORDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits per number; `None` lifts one."""

    per_second: int | None = 1
    per_day: int | None = 5
    codes_per_day: int | None = 5
    blacklist_after: int | None = 20
    #: Count from Beijing's midnight; otherwise over the last 24 hours. The platform's own way is not public.
    calendar_day: bool = False


NO_LIMITS = Limits(per_second=None, per_day=None, codes_per_day=None, blacklist_after=None)

#: The template that every trial account has, and a notice of our own so that 4082 can be met apart from 4085.
TRIAL_TEMPLATES = (
    Template(id="1", text=f"您的验证码是：{VARIABLE}。请不要把验证码泄露给其他人。"),
    Template(id="2", text=f"您的订单{VARIABLE}已发货，请注意查收。"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One product's account; the defaults are those of a trial account for SMS with a full balance."""

    account: str = "C00000001"
    api_key: str = field(default="0123456789abcdef0123456789abcdef", repr=False)
    product: str = "sms"
    balance: int = 10_000_000
    is_frozen: bool = False
    #: The only client addresses that are admitted; empty admits all.
    addresses: tuple[str, ...] = ()
    #: Approved signatures; the first stands before every text that does not ask for another.
    signatures: tuple[str, ...] = ("互亿无线",)
    templates: tuple[Template, ...] = TRIAL_TEMPLATES
    variable_length: int = 8
    text_length: int = 300
    limits: Limits = Limits()
    #: Where receipts and replies are pushed; they are as secret as the key.
    receipt_url: str = field(default="", repr=False)
    reply_url: str = field(default="", repr=False)


#: One trial account for each product; names and templates but those of SMS, and 1361, are ours.
TRIAL_ACCOUNTS = (
    Account(),
    Account(
        account="VC00000001",
        product="voice_code",
        signatures=(),
        templates=(Template(id="1", text=f"您的验证码是：{VARIABLE}。请不要把验证码告诉其他人。"),),
    ),
    Account(
        account="VM00000001",
        product="voice_notice",
        signatures=(),
        templates=(Template(id="1361", text=f"您的订单号是：{VARIABLE}。已由{VARIABLE}发出，请注意查收。"),),
    ),
    Account(
        account="I00000001",
        product="international",
        signatures=(),
        templates=(
            Template(id="1", text=f"Your verification code is {VARIABLE}. Please do not share it with anyone."),
            Template(id="2", text=f"Your order {VARIABLE} has been shipped."),
            Template(id="3", text=TRIAL_TEMPLATES[0].text),
        ),
    ),
    Account(
        account="M00000001",
        product="marketing",
        templates=(Template(id="1", text=f"亲爱的会员，{VARIABLE}活动正在进行中，欢迎选购。退订回T"),),
    ),
)

#: Stands in for an account that does not exist, so that every `Attempt` has one.
NOBODY = Account(account="", api_key="")


def trial_account(product: str) -> Account:
    """Return the account of a product that a simulator has by default."""
    return next(account for account in TRIAL_ACCOUNTS if account.product == product)
