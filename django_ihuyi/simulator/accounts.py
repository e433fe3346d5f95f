"""What a customer has filed with the imitated platform, and the figures that are agreed for the account."""

from __future__ import annotations

from dataclasses import dataclass, field

#: What stands in a filed template where a value goes.
VARIABLE = "【变量】"

#: What makes a template one for verification codes (4085); the rule is ours.
CODE_WORDS = ("验证码", "verification code")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A filed text; the platform lets nothing else through."""

    id: str
    text: str

    @property
    def is_code(self) -> bool:
        """Tell whether messages of this template count as verification codes (4085); that rule is ours."""
        return any(word in self.text for word in CODE_WORDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many messages a number may get; `None` lifts a limit."""

    per_second: int | None = 1
    per_day: int | None = 5
    codes_per_day: int | None = 5
    blacklist_after: int | None = 20
    #: Count from Beijing's midnight; otherwise over the last 24 hours. Which one the platform does is not public.
    calendar_day: bool = False


NO_LIMITS = Limits(per_second=None, per_day=None, codes_per_day=None, blacklist_after=None)

#: The template that every trial account has, and a notice of our own so that 4082 can be met apart from 4085.
TRIAL_TEMPLATES = (
    Template(id="1", text=f"您的验证码是：{VARIABLE}。请不要把验证码泄露给其他人。"),
    Template(id="2", text=f"您的订单{VARIABLE}已发货，请注意查收。"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One product's account; the defaults are those of a trial account for SMS with a full purse."""

    account: str = "C00000001"
    api_key: str = field(default="0123456789abcdef0123456789abcdef", repr=False)
    product: str = "sms"
    balance: int = 10_000_000
    is_frozen: bool = False
    #: Client addresses that are filed; empty admits every address.
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

#: Stands in where a request names no account that exists.
NOBODY = Account(account="", api_key="")


def trial_account(product: str) -> Account:
    """Return the account that a simulator has for a product unless told otherwise."""
    return next(account for account in TRIAL_ACCOUNTS if account.product == product)
