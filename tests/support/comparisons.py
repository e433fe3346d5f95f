"""Watch how secrets are compared: only hmac.compare_digest takes as long for a near miss as for any other."""

import hmac
import sys


def count_comparisons(act):
    """Return how often `act` calls hmac.compare_digest in this thread; it is called for real."""
    called = []

    def note(frame, event, function):
        if event == "c_call" and function is hmac.compare_digest:
            called.append(function)

    former = sys.getprofile()
    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(former)
    return len(called)
