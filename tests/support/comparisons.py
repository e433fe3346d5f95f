"""Count constant-time comparisons: hmac.compare_digest takes the same time however much of a guess is right."""

import hmac
import sys


def count_comparisons(act):
    """Return how often `act` calls hmac.compare_digest in this thread, without replacing it."""
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
