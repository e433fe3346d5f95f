"""The example site's settings, with what a race needs and no deployment should have.

PROOF_ATOMIC_REQUESTS   1: every request in one transaction, as some hosts have it
PROOF_RESEND_INTERVAL   seconds between two messages of one purpose; with 0 the pace and the daily limit stand alone
"""

import os

from example_project.settings import *  # noqa: F403
from example_project.settings import DATABASES, IHUYI, MIDDLEWARE

DATABASES["default"]["ATOMIC_REQUESTS"] = os.environ.get("PROOF_ATOMIC_REQUESTS") == "1"
MIDDLEWARE.insert(0, "tests.proofs.workers.name_worker")

if interval := os.environ.get("PROOF_RESEND_INTERVAL"):
    IHUYI["RESEND_INTERVAL"] = int(interval)
