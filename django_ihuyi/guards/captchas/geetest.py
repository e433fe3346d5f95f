"""GeeTest (极验), version 4: its own service shows the puzzle and judges the solution."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from django_ihuyi.client.geetest import URL, GeetestClient
from django_ihuyi.guards.captchas import DEADLINE, Captcha, CaptchaDown, Challenge


class GeetestCaptcha(Captcha):
    """Show GeeTest's puzzle. The client sends back the result of `getValidate()`, beside the challenge_id."""

    kind = "geetest"

    def __init__(
        self,
        *,
        captcha_id: str,
        captcha_key: str,
        url: str = URL,
        timeout: float = DEADLINE,
        verify: bool | str = True,
    ) -> None:
        self._captcha_id = captcha_id
        self.client = GeetestClient(
            captcha_id=captcha_id, captcha_key=captcha_key, url=url, timeout=timeout, verify=verify
        )

    def challenge(self, *, purpose: str, client: str) -> Challenge:  # noqa: ARG002 - GeeTest takes neither
        """Return the captcha_id, with which the client loads the puzzle from GeeTest."""
        return Challenge(id=secrets.token_hex(16), shown={"captcha_id": self._captcha_id})

    def verify(self, answer: Mapping[str, str], *, challenge_id: str, client: str) -> bool:  # noqa: ARG002
        """Return GeeTest's judgement."""
        validation = self.client.validate(answer)
        if validation.trouble:
            raise CaptchaDown(validation.trouble)
        return validation.is_solved

    def find_solution_id(self, answer: Mapping[str, str]) -> str:
        """Return GeeTest's own number, because GeeTest does not know the challenge that its puzzle was solved for."""
        return answer.get("lot_number", "")
