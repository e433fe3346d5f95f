"""Policies of a host's own: who is registered, and one that cannot say."""

REGISTERED = "+8613900000001"
STRANGER = "+8613900000002"


def is_registered(wanted):
    return wanted.phone == REGISTERED


def is_broken(wanted):
    raise LookupError("the users are gone")


def is_anybody(wanted):
    return True
