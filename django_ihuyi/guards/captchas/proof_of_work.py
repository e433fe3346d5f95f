"""A proof of work by altcha's library, for clients that cannot show a picture."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping

from altcha import Payload, create_challenge, verify_solution

from django_ihuyi.guards.captchas import Captcha, Challenge
from django_ihuyi.guards.captchas.tickets import LIFETIME
from django_ihuyi.keys import live_keys

_LABEL = b"django_ihuyi.captcha.altcha.1"


class ProofOfWorkCaptcha(Captcha):
    """Let the client's processor work for a second. The client sends back altcha's `payload`.

    It makes each message more expensive and does not recognize programs. `cost` is the work of one try, `tries` the
    minimum number of tries; on average half as many again are needed.
    """

    kind = "proof_of_work"

    def __init__(self, *, algorithm: str = "PBKDF2/SHA-256", cost: int = 5000, tries: int = 200) -> None:
        if cost < 1 or tries < 1:
            raise ValueError("cost and tries must be positive numbers")
        self._algorithm = algorithm
        self._cost = cost
        self._tries = tries

    def challenge(self, *, purpose: str, client: str) -> Challenge:  # noqa: ARG002 - the guard binds it
        """Return a challenge of altcha's second version, as its widget expects it."""
        made = create_challenge(
            self._algorithm,
            self._cost,
            counter=self._tries + secrets.randbelow(self._tries),
            expires_at=int(time.time()) + LIFETIME,
            hmac_secret=live_keys(_LABEL)[0],
        )
        return Challenge(id=made.parameters.nonce, shown={"challenge": made.to_dict()})

    def verify(self, answer: Mapping[str, str], *, challenge_id: str, client: str) -> bool:  # noqa: ARG002
        """Return True if the work was done for this challenge."""
        try:
            payload = Payload.from_base64(answer.get("payload", ""))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return False
        if payload.challenge.parameters.nonce != challenge_id:
            return False
        return any(verify_solution(payload, key).verified for key in live_keys(_LABEL))
