"""Policies of a host: one that knows who is registered, one that raises, and one that allows all."""

REGISTERED = "+8613900000001"
STRANGER = "+8613900000002"


def is_registered(wanted):
    return wanted.phone == REGISTERED


def is_broken(wanted):
    raise LookupError("the users are gone")


def is_anybody(wanted):
    return True
