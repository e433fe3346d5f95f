"""A model of the rules for the codes of one phone. tests/verification/test_life.py compares the app with it.

Times are seconds since the model's start. It keeps all data, and uses no clock and no database.
"""

from collections import defaultdict
from dataclasses import dataclass

MINUTE, DAY = 60, 24 * 60 * 60
MESSAGES_A_DAY, ATTEMPTS = 5, 5
GUESSES_A_DAY, FAILURES_BEFORE_LOCKOUT, FAILURES_BEFORE_LOCK = 25, 10, 100
LIFE, LONGEST_LIFE, SHORTEST_REMAINDER = 5 * MINUTE, 10 * MINUTE, 2 * MINUTE


@dataclass
class Code:
    """One verification."""

    purpose: str
    issued_at: float
    expires_at: float
    attempts: int = 0
    is_verified: bool = False
    #: An expiry that was seen is permanent.
    is_seen_over: bool = False


class Model:
    """One phone."""

    def __init__(self):
        self.codes = {}
        self.sent = []  # (when, purpose) of each message that may have left
        self.failures = defaultdict(list)  # of each purpose, since its last right guess
        self.guesses = 0

    # Sending

    def refusal(self, purpose, now):
        """Return the reason why no code may leave, or None; of several the one that lasts longest."""
        if self.closed_until(purpose, now) > now:
            return "guess_limit"
        waits = [(when + 1, "resend_too_soon") for when, _ in self.sent]
        waits += [(when + MINUTE, "resend_too_soon") for when, of in self.sent if of == purpose]
        if len(self.sent) >= MESSAGES_A_DAY:
            waits.append((self.sent[-MESSAGES_A_DAY][0] + DAY, "number_limit"))
        until, reason = max(waits, default=(now, None))
        return reason if until > now else None

    def is_resend(self, named, purpose, now):
        """Return True if a request with this verification's id sends its code again, instead of a new one."""
        code = self.codes.get(named)
        if code is None or code.purpose != purpose or self.end(code, now):
            return False
        return min(now + LIFE, code.issued_at + LONGEST_LIFE) - now >= SHORTEST_REMAINDER

    def send(self, id, *, purpose, named, now, has_left):
        """Record a message; `id` is the verification that the answer has."""
        if has_left:
            self.sent.append((now, purpose))
        if id == named:
            self.codes[id].expires_at = min(now + LIFE, self.codes[id].issued_at + LONGEST_LIFE)
        elif has_left:
            self.codes[id] = Code(purpose=purpose, issued_at=now, expires_at=now + LIFE)

    # Guessing

    def end(self, code, now):
        """Return the reason why a verification takes no more guesses, or None."""
        if code.is_verified:
            return "expired"
        if code.attempts >= ATTEMPTS:
            return "exhausted"
        return "expired" if code.is_seen_over or code.expires_at <= now else None

    def closed_until(self, purpose, now):
        """Return the time until which no guess for this purpose is judged."""
        failures = self.failures[purpose]
        until = now
        if len(failures) >= FAILURES_BEFORE_LOCK:
            return float("inf")
        if len(failures) >= FAILURES_BEFORE_LOCKOUT:
            until = failures[-1] + min(15 * MINUTE * 2 ** (len(failures) - FAILURES_BEFORE_LOCKOUT), DAY)
        if len(failures) >= GUESSES_A_DAY:
            until = max(until, failures[-GUESSES_A_DAY] + DAY)
        return until

    def verdict(self, id, is_right, now):
        """Return the verdict on a guess."""
        code = self.codes[id]
        end = self.end(code, now)
        if end:
            return end
        if self.closed_until(code.purpose, now) > now:
            return "limited"
        return "right" if is_right else "wrong"

    def guess(self, id, verdict, now):
        """Record a guess and its verdict."""
        code = self.codes[id]
        code.is_seen_over = code.is_seen_over or (verdict == "expired" and not code.is_verified)
        if verdict in ("right", "wrong"):
            self.guesses += 1
            code.attempts += 1
        if verdict == "right":
            code.is_verified = True
            self.failures[code.purpose].clear()
        if verdict == "wrong":
            self.failures[code.purpose].append(now)
