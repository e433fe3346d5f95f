"""F17: the purge of a big send log, that nobody has purged for a year, while the site sends and verifies."""

import collections
import hmac
import os
import re
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from django_ihuyi.models import Message, Recipient, Verification
from django_ihuyi.retention.steps import STEPS
from django_ihuyi.verification import send_code
from tests.proofs.support.processes import ROOT, running_site
from tests.proofs.support.site_client import Site, new_phone, send
from tests.support.row_copies import FIRST, multiplication, patient_cursor
from tests.support.use_cases import PHONE

pytestmark = [
    pytest.mark.proof,
    pytest.mark.timed,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="the rows are made by PostgreSQL's generate_series"),
]

#: Of recipients, verifications and messages together.
ROWS = int(os.environ.get("PROOF_PURGE_ROWS", 5_000_000))
DAYS = 400
#: The load: each requester asks for a code and types it in, so often a second, alone before for so many seconds.
REQUESTERS, PACE, WARMING, ALONE = 2, 5, 3, 20
#: Targets of seconds, and of the latency's growth; what a busy machine may make of them.
LONGEST, SLOWER, TOLERANCE = 0.2, 2, 10
MOST_GROWTH = 50 * 1024

#: Messages of each recipient, who has one verification.
MESSAGES = 3
OWNER = f"{FIRST} + (n - {FIRST}) / {MESSAGES}"
NUMBER = "'+8615' || lpad(n::text, 9, '0')"


def hmac_sql(text):
    """HMAC-SHA256 in SQL, with the key of fingerprints: rows as real as those that the app writes."""
    key = hmac.digest(settings.SECRET_KEY.encode(), b"django_ihuyi.phone.1", "sha256").ljust(64, b"\0")
    inner, outer = (f"'\\x{bytes(byte ^ pad for byte in key).hex()}'::bytea" for pad in (0x36, 0x5C))
    return f"substr(encode(sha256({outer} || sha256({inner} || convert_to({text}, 'UTF8'))), 'hex'), 1, 32)"


DIFFERENCES = {
    Recipient: {"id": "n", "phone": NUMBER, "fingerprint": hmac_sql(NUMBER)},
    Verification: {
        "id": "md5(n::text)",
        "recipient_id": "n",
        "created_at": "moment",
        "expires_at": "moment + interval '5 minutes'",
    },
    Message: {
        "id": "n",
        "recipient_id": OWNER,
        "verification_id": f"md5(({OWNER})::text)",
        "created_at": "moment",
        "sampled_at": "moment",
        "finished_at": "moment + interval '0.2 seconds'",
        "platform_id": "n::text",
    },
}


def fill():
    send_code(PHONE, purpose="login")
    with patient_cursor(connection) as cursor:
        for model, differences in DIFFERENCES.items():
            recipients = ROWS // (MESSAGES + 2)
            rows = (recipients - 1) * MESSAGES if model is Message else recipients
            cursor.execute(multiplication(model, differences, rows, days=DAYS))
        cursor.execute("VACUUM ANALYZE")


class Load:
    """Requesters who go on until they are told to stop, and how long each answer took."""

    def __init__(self, site):
        self.site = site
        self.seconds = collections.defaultdict(list)
        self.stopped = threading.Event()
        self.requesters = [threading.Thread(target=self.ask_on) for _ in range(REQUESTERS)]

    def __enter__(self):
        for requester in self.requesters:
            requester.start()
        return self

    def __exit__(self, *error):
        self.stopped.set()
        for requester in self.requesters:
            requester.join()

    def ask_on(self):
        while not self.stopped.wait(1 / PACE):
            phone = new_phone()
            sent = self.ask("send", send(phone), 202)
            guess = {"verification_id": sent.body["verification_id"], "code": self.site.platform.code(phone)}
            self.ask("verify", ("/api/phone/verify-code/", guess), 200)

    def ask(self, name, request, status):
        started = time.monotonic()
        answer = self.site.ask(request)
        self.seconds[name].append(time.monotonic() - started)
        assert answer.status == status
        return answer

    def take(self):
        """Return what was measured since the last time: {what: the 99th percentile}."""
        taken, self.seconds = self.seconds, collections.defaultdict(list)
        return {name: sorted(seconds)[int(len(seconds) * 0.99)] for name, seconds in taken.items()}


def purge(database_url):
    """Run the command; return its transactions as (seconds, what), and what the memory grew by (KiB)."""
    environment = {**os.environ, "DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-u", "-m", "django", "ihuyi_purge", "--pause", "0.005", "-v", "2", "--skip-checks"]
    transactions, memory = [], []
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if batch := re.search(r"^ +(.+), ([0-9.]+) s$", line):
                transactions.append((float(batch[2]), batch[1]))
            memory += resident(process.pid)
    assert process.returncode == 0
    return transactions, max(memory) - memory[0]


def resident(pid):
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return []
    return [int(size) for size in re.findall(r"VmRSS:\s+(\d+) kB", status)]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_purge_is_hardly_noticed(database_url, platform, figure):
    """F17: the longest transaction, and how much slower sends and verifies are meanwhile."""
    started = time.monotonic()
    fill()
    filled = time.monotonic()
    with (
        running_site(database_url=database_url, platform_url=platform.submit_url, workers=2, threads=2) as address,
        Load(Site(address, platform)) as load,
    ):
        time.sleep(WARMING)
        load.take()
        time.sleep(ALONE)
        before = load.take()
        began = time.monotonic()
        transactions, growth = purge(database_url)
        took = time.monotonic() - began
        during = load.take()

    longest, what = max(transactions)
    slower = {name: during[name] / before[name] for name in before}
    figure(
        f"F17 purge of {ROWS:,} rows",
        f"longest of {len(transactions)} transactions {longest * 1000:.0f} ms [target {LONGEST * 1000:.0f}] ({what}), "
        f"{took:.0f} s, memory +{growth / 1024:.0f} MiB [target 50]; filled in {filled - started:.0f} s",
    )
    for name in sorted(slower):
        figure(
            f"F17 p99 of {name}",
            f"{during[name] * 1000:.0f} ms, before {before[name] * 1000:.0f}, × {slower[name]:.1f} [target {SLOWER}]",
        )
    # What has become due since the purge looked is the next one's.
    left = [str(step.name) for step in STEPS if step.due(using="default", grace=timedelta(hours=1)).exists()]
    assert left == []
    assert longest <= LONGEST * TOLERANCE
    assert max(slower.values()) <= SLOWER * TOLERANCE
    assert growth <= MOST_GROWTH
