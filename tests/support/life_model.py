"""What holds of codes for one phone, in the simplest words: tests/verification/test_life.py plays it against the app.

Seconds count from the model's own beginning. It forgets nothing, reads no clock and knows no database.
"""

from collections import defaultdict
from dataclasses import dataclass

MINUTE, DAY = 60, 24 * 60 * 60
MESSAGES_A_DAY, ATTEMPTS = 5, 5
GUESSES_A_DAY, FAILURES_BEFORE_REST, FAILURES_BEFORE_LOCK = 25, 10, 100
LIFE, LONGEST_LIFE, SHORTEST_REMAINDER = 5 * MINUTE, 10 * MINUTE, 2 * MINUTE


@dataclass
class Code:
    """One verification."""

    purpose: str
    issued_at: float
    expires_at: float
    attempts: int = 0
    is_verified: bool = False
    #: An expiry that somebody saw is for ever.
    is_seen_over: bool = False


class Model:
    """One phone."""

    def __init__(self):
        self.codes = {}
        self.sent = []  # (when, purpose) of what may have left
        self.failures = defaultdict(list)  # of each purpose, since its last right guess
        self.guesses = 0

    # Sending

    def refusal(self, purpose, now):
        """Why no code may leave, or None: of several reasons the one that lasts longest."""
        if self.closed_until(purpose, now) > now:
            return "guess_limit"
        waits = [(when + 1, "resend_too_soon") for when, _ in self.sent]
        waits += [(when + MINUTE, "resend_too_soon") for when, of in self.sent if of == purpose]
        if len(self.sent) >= MESSAGES_A_DAY:
            waits.append((self.sent[-MESSAGES_A_DAY][0] + DAY, "number_limit"))
        until, reason = max(waits, default=(now, None))
        return reason if until > now else None

    def is_resend(self, named, purpose, now):
        """Whether naming this verification sends its code again, instead of a new one."""
        code = self.codes.get(named)
        if code is None or code.purpose != purpose or self.end(code, now):
            return False
        return min(now + LIFE, code.issued_at + LONGEST_LIFE) - now >= SHORTEST_REMAINDER

    def send(self, id, *, purpose, named, now, has_left):
        """Note what was sent, and return whether the answer may name this verification."""
        if has_left:
            self.sent.append((now, purpose))
        if id == named:
            self.codes[id].expires_at = min(now + LIFE, self.codes[id].issued_at + LONGEST_LIFE)
        elif has_left:
            self.codes[id] = Code(purpose=purpose, issued_at=now, expires_at=now + LIFE)

    # Guessing

    def end(self, code, now):
        """Why a verification takes no guess any more, or None."""
        if code.is_verified:
            return "expired"
        if code.attempts >= ATTEMPTS:
            return "exhausted"
        return "expired" if code.is_seen_over or code.expires_at <= now else None

    def closed_until(self, purpose, now):
        """Until when no guess for this purpose is looked at."""
        failures = self.failures[purpose]
        until = now
        if len(failures) >= FAILURES_BEFORE_LOCK:
            return float("inf")
        if len(failures) >= FAILURES_BEFORE_REST:
            until = failures[-1] + min(15 * MINUTE * 2 ** (len(failures) - FAILURES_BEFORE_REST), DAY)
        if len(failures) >= GUESSES_A_DAY:
            until = max(until, failures[-GUESSES_A_DAY] + DAY)
        return until

    def verdict(self, id, is_right, now):
        """What is answered to a guess."""
        code = self.codes[id]
        end = self.end(code, now)
        if end:
            return end
        if self.closed_until(code.purpose, now) > now:
            return "limited"
        return "right" if is_right else "wrong"

    def guess(self, id, verdict, now):
        """Note a guess, and what was answered to it."""
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
