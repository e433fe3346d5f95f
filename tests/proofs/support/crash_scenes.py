"""The site whose processes are killed at a point, and what becomes of it when recovery has been there."""

import contextlib
import dataclasses
import http.client
import subprocess
import sys

import pytest

from django_ihuyi.delivery.recovery import Recovered, recover
from django_ihuyi.models import Message, Recipient, Verification
from tests.proofs.support.concurrent_requests import fire, to_json
from tests.proofs.support.failpoints import arm
from tests.proofs.support.platform_pushes import SECRET
from tests.proofs.support.processes import PATIENCE, ROOT, environ, running_site
from tests.proofs.support.signal_recorders import notes
from tests.proofs.support.site_client import Site
from tests.support.time_travel import let_pass

#: Longer than a lease and than the interval between two codes; so short that a receipt still finds its message.
LONG_ENOUGH = 70
LOG = "log"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A site, and the folder in which its points are armed and its signals leave their notes."""

    site: Site
    folder: object
    #: What the site's processes are told, as `environ` takes it.
    environment: dict

    def kill(self, point, request, *, encode=to_json, victims=()):
        """Send a request whose process is killed at that point, or else its victims, so that nobody answers."""
        arm(self.folder, point, *victims)
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            fire(self.site.address, [request], encode=encode)
        assert not self.is_armed(point), f"nobody came to {point}"

    def kill_command(self, point, *words):
        """Run a command of the site that is killed at that point."""
        arm(self.folder, point)
        assert self.run(*words) == -9

    def is_armed(self, point):
        """Say whether nobody has come to that point."""
        return (self.folder / point).exists()

    def run(self, *words):
        command = [sys.executable, "example_project/manage.py", *words]
        return subprocess.run(command, cwd=ROOT, env=environ(**self.environment), timeout=PATIENCE).returncode

    def tidy(self):
        """Forget what was told, and disarm what a test that failed has left."""
        for file in self.folder.iterdir():
            if file.name != LOG:
                file.unlink()

    def notes(self):
        return notes(self.folder)

    def read_log(self):
        return (self.folder / LOG).read_text()


@contextlib.contextmanager
def running_scene(platform, folder, **environment):
    """Run the site in one process, which is followed by another when it is killed."""
    environment |= {"PROOF_FAILPOINTS": str(folder), "PROOF_NOTES": str(folder), "IHUYI_WEBHOOK_SECRET": SECRET}
    environment["platform_url"] = platform.submit_url
    with (folder / LOG).open("a+") as log, running_site(workers=1, log=log, **environment) as address:
        yield Scene(site=Site(address, platform), folder=folder, environment=environment)


def recover_twice():
    """Let the lease run out and recover; a second time must change nothing."""
    let_pass(seconds=LONG_ENOUGH)
    recover()
    rows = snapshot()
    assert recover() == Recovered()
    assert snapshot() == rows


def snapshot():
    return [list(model.objects.order_by("pk").values()) for model in (Recipient, Verification, Message)]
