"""A site that logs all that there is, and falls down, for `python -X dev`; run with a file's path.

Into that file go the secrets, as JSON.
"""

import json
import logging
import sys
from pathlib import Path

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="until-the-canaries-are-there",
    INSTALLED_APPS=["django_ihuyi"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command  # noqa: E402 - models, which need the settings

from django_ihuyi import proofs  # noqa: E402
from django_ihuyi.exceptions import SendingUnavailable  # noqa: E402
from django_ihuyi.simulator import Account, Simulator  # noqa: E402
from django_ihuyi.simulator.server import serving  # noqa: E402
from django_ihuyi.verification import send_code, verify_code  # noqa: E402
from tests.proofs.support.canaries import API_KEY, PHONE, SECRET_KEY, Canaries, Failures  # noqa: E402


def main(path):
    set_up_logging()
    simulator, canaries = Simulator(accounts=[Account(api_key=API_KEY)]), Canaries()
    with serving(simulator) as server, Failures(canaries).listening():
        set_up(f"{server.url}/webservice/sms.php")
        verification_id, code = tell_the_story(simulator)
    Path(path).write_text(json.dumps({name: sorted(secrets) for name, secrets in canaries.known.items()}))
    fall_down(verification_id, code)


def set_up_logging():
    logging.basicConfig(level=logging.DEBUG)
    # What the database layer logs on DEBUG are statements with all that they carry.
    logging.getLogger("django.db.backends").setLevel(logging.INFO)


def set_up(url):
    options = {"account": "C00000001", "api_key": API_KEY, "url": url}
    settings.SECRET_KEY = SECRET_KEY
    settings.IHUYI = {
        "CHANNELS": {"sms": {"BACKEND": "django_ihuyi.backends.ihuyi.IhuyiBackend", "OPTIONS": options}},
        "ALLOW_LOOPBACK": True,
        "CODE_LENGTH": 8,
    }
    call_command("migrate", verbosity=0)


def tell_the_story(simulator):
    verification_id = send_code(PHONE, purpose="login").verification_id
    code = simulator.latest_code(PHONE[3:])
    verify_code(verification_id, code[::-1])
    proofs.redeem(verify_code(verification_id, code).proof, purpose="login")
    return verification_id, code


def fall_down(verification_id, code):
    try:
        send_code("+8613900139000", purpose="login")  # the platform is gone
    except SendingUnavailable:
        logging.getLogger("host").exception("not sent")
    verify_code(verification_id, code, using="nowhere")


if __name__ == "__main__":
    main(*sys.argv[1:])
