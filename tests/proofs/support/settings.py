"""The example site's settings, with what a race needs and no deployment should have.

PROOF_ATOMIC_REQUESTS   1: every request in one transaction, as some hosts have it
PROOF_BUDGETS           JSON of BUDGETS: the budgets that are kept
PROOF_CAPTCHA_RULES     the RULES of CAPTCHA, in JSON
PROOF_CLIENT_LIMITS     a rate for the sends of each client address, which is counted in the cache
PROOF_GLOBAL_LIMITS     a rate for all requests together, which is counted in the cache
PROOF_FAILPOINTS        a folder: a file in it kills whoever comes to the point of its name (failpoints.py)
PROOF_NOTES             a folder: each signal leaves a file in it (witnesses.py)
PROOF_POLICY            the POLICY of the purpose "register"
PROOF_RESEND_INTERVAL   seconds between two messages of one purpose; with 0 pace and daily limit stand alone
"""

import json
import os

from django_ihuyi.conf import DEFAULT_TEXT
from example_project.settings import *  # noqa: F403
from example_project.settings import DATABASES, IHUYI, INSTALLED_APPS, MIDDLEWARE

DATABASES["default"]["ATOMIC_REQUESTS"] = os.environ.get("PROOF_ATOMIC_REQUESTS") == "1"
MIDDLEWARE.insert(0, "tests.proofs.support.worker_ids.name_worker")

if "PROOF_FAILPOINTS" in os.environ:
    INSTALLED_APPS.append("tests.proofs.support.failpoints.Failpoints")
    MIDDLEWARE.insert(0, "tests.proofs.support.failpoints.answer_half")

if "PROOF_NOTES" in os.environ:
    INSTALLED_APPS.append("tests.proofs.support.signal_recorders.Witnesses")

# The second template of the simulator's trial account.
IHUYI["TEMPLATES"] = {"code": {"TEXT": DEFAULT_TEXT}, "shipped": {"TEXT": "您的订单{1}已发货，请注意查收。", "ID": "2"}}


if interval := os.environ.get("PROOF_RESEND_INTERVAL"):
    IHUYI["RESEND_INTERVAL"] = int(interval)

if policy := os.environ.get("PROOF_POLICY"):
    IHUYI["PURPOSES"] = {"register": {"POLICY": policy}}

if rules := os.environ.get("PROOF_CAPTCHA_RULES"):
    IHUYI["CAPTCHA"]["RULES"] = json.loads(rules)

if rate := os.environ.get("PROOF_CLIENT_LIMITS"):
    IHUYI["CLIENT_LIMITS"] = {"send": [rate], "verify": [], "captcha": [], "status": []}
if rate := os.environ.get("PROOF_GLOBAL_LIMITS"):
    IHUYI["GLOBAL_LIMITS"] = {"send": [rate]}
if budgets := os.environ.get("PROOF_BUDGETS"):
    IHUYI |= {"GUARDS": ["django_ihuyi.guards.budgets.BudgetGuard"], "BUDGETS": json.loads(budgets)}
