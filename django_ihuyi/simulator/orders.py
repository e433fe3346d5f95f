"""The switches for people and tests: change the simulator as posted JSON says."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django_ihuyi.simulator.account_orders import change_account, show_account
from django_ihuyi.simulator.faults import FAULTS
from django_ihuyi.simulator.pusher import ORDERS
from django_ihuyi.simulator.pushes import DELIVERED, FATES, Fate
from django_ihuyi.simulator.reading import (
    Fields,
    read_choice,
    read_fields,
    read_integer,
    read_seconds,
    read_switch,
    read_text,
)
from django_ihuyi.simulator.results import SUCCESS
from django_ihuyi.simulator.simulator import Simulator

MOST_COPIES = 100
FATE_FIELDS = ("fate", "msg", "delay", "copies")


def force_answer(simulator: Simulator, data: object) -> None:
    """Force a result code; null: answer by the rules again."""
    fields = read_fields(data, known=("code", "mobile", "text", "times"), needed=("code",))
    if fields["code"] == SUCCESS:
        raise ValueError("success cannot be ordered: take the order back with null")
    code = read_integer(fields, "code", low=0, high=99_999)
    mobile, text = read_text(fields, "mobile"), read_text(fields, "text") or ""
    simulator.force(code, mobile=mobile, text=text, times=_times(fields))


def order_fault(simulator: Simulator, data: object) -> None:
    """Apply a fault to answers; null: end it."""
    fields = read_fields(data, known=("fault", "mobile", "times", "taken"), needed=("fault",))
    fault = read_choice(fields, "fault", tuple(FAULTS))
    taken = read_switch(fields, "taken", default=True)
    simulator.break_down(fault, mobile=read_text(fields, "mobile"), times=_times(fields), taken=taken)


def order_fate(simulator: Simulator, data: object) -> None:
    """Choose the fate of future messages; null: restore the default."""
    fields = read_fields(data, known=(*FATE_FIELDS, "mobile", "times"), needed=("fate",))
    fate = None if fields["fate"] is None else _read_fate(fields)
    simulator.decide(fate, mobile=read_text(fields, "mobile"), times=_times(fields))


def push_receipt(simulator: Simulator, data: object) -> None:
    """Set the fate of a message, and push its receipt."""
    fields = read_fields(data, known=(*FATE_FIELDS, "smsid", "mobile"), needed=("smsid",))
    smsid = read_text(fields, "smsid") or ""
    if not simulator.settle(smsid, _read_fate(fields), mobile=read_text(fields, "mobile")):
        raise ValueError("no phone got a message of this id")


def send_reply(simulator: Simulator, data: object) -> None:
    """Reply to the latest message on a phone."""
    fields = read_fields(data, known=("mobile", "content", "delay", "copies"), needed=("mobile", "content"))
    mobile, content = read_text(fields, "mobile") or "", read_text(fields, "content", longest=2000) or ""
    try:
        simulator.reply(mobile, content, delay=read_seconds(fields, "delay"), copies=_copies(fields))
    except LookupError as error:
        raise ValueError(str(error)) from error


def release_pushes(simulator: Simulator, data: object) -> None:
    """Push everything held, in the given order."""
    fields = read_fields({} if data is None else data, known=("order", "copies"))
    simulator.pushes.release(read_choice(fields, "order", tuple(ORDERS)) or "as_held", copies=_copies(fields))


def put_account(simulator: Simulator, data: object) -> object:
    """Add or change an account."""
    return show_account(change_account(simulator.customers, data))


def change_blacklist(simulator: Simulator, data: object) -> None:
    """Put a number on the black list, or lift it."""
    fields = read_fields(data, known=("mobile", "listed", "account"), needed=("mobile", "listed"))
    listed, mobile = read_switch(fields, "listed", default=False), read_text(fields, "mobile") or ""
    simulator.customers.set_blacklisted(mobile, listed=listed, account=read_text(fields, "account"))


#: Each reads posted JSON, calls the simulator, and returns the JSON to answer, if any.
SWITCHES: Mapping[str, Callable[[Simulator, object], object]] = {
    "/accounts": put_account,
    "/answers": force_answer,
    "/blacklist": change_blacklist,
    "/fates": order_fate,
    "/faults": order_fault,
    "/pushes": push_receipt,
    "/pushes/hold": lambda simulator, _data: simulator.pushes.hold(),
    "/pushes/release": release_pushes,
    "/replies": send_reply,
    "/reset": lambda simulator, _data: simulator.reset(),
}


def _read_fate(fields: Fields) -> Fate:
    return Fate(
        result=read_choice(fields, "fate", FATES) or DELIVERED,
        msg=read_text(fields, "msg") or "",
        delay=read_seconds(fields, "delay"),
        copies=_copies(fields),
    )


def _copies(fields: Fields) -> int:
    return read_integer(fields, "copies", low=1, high=MOST_COPIES) or 1


def _times(fields: Fields) -> int | None:
    return read_integer(fields, "times", low=1, high=1_000_000)
