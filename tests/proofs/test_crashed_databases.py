"""kill -9 of the database's server (C24): what was committed is there when it comes back, and nothing else."""

import pytest
from django.db import connection

from django_ihuyi.models import Verification
from example_project import databases
from tests import services
from tests.proofs.support.audits import Reckoning, reckon
from tests.proofs.support.concurrent_requests import fire
from tests.proofs.support.crash_outcomes import F7, SETTLED_LATER, TARGET, UNKNOWN, see_what_is_left
from tests.proofs.support.crash_scenes import running_scene
from tests.proofs.support.failpoints import arm
from tests.proofs.support.site_client import new_phone, send

pytestmark = pytest.mark.proof

SERVERS = {"postgresql": "postgresql", "mysql": "mariadb"}
COORDINATES = ("NAME", "HOST", "PORT", "USER", "PASSWORD")


@pytest.fixture(scope="module")
def server(django_db_setup):
    """A server of one's own, which writes safely to the disk."""
    if connection.vendor not in SERVERS:
        pytest.skip("SQLite has no server; its processes are killed in test_crashes.py")
    with services.running(SERVERS[connection.vendor], durable=True) as [server]:
        yield server


@pytest.fixture(scope="module")
def scene(server, platform, tmp_path_factory):
    with running_scene(platform, tmp_path_factory.mktemp("points"), database_url=server.url) as scene:
        assert scene.run("migrate", "--verbosity=0") == 0
        yield scene


@pytest.fixture(autouse=True)
def there(clean_database, server):
    """Let this process look into that server's database, instead of the suite's."""
    own, other = connection.settings_dict.copy(), databases.from_url(server.url)
    connection.close()
    connection.settings_dict.update({name: other[name] for name in COORDINATES})
    yield
    connection.close()
    connection.settings_dict.update(own)


def revive(server):
    connection.close()
    server.revive()


#: What is left if the database alone dies, and if the worker dies with it. Alone, the worker calls the platform all the
#: same: the claim is committed, and the person gets the message.
ALONE = {"C3": SETTLED_LATER, "C8": SETTLED_LATER}
WITH_ITS_WORKER = {"C3": UNKNOWN, "C8": SETTLED_LATER}


def test_a_send_whose_database_dies_is_told_the_truth_and_left_to_recovery(scene, server, figure):
    left, total = {}, Reckoning()
    for point, expected in ALONE.items():
        phone = new_phone()
        arm(scene.folder, point, server.process.pid)
        assert scene.site.ask(send(phone)).status == 202
        revive(server)
        left[point], reckoning = see_what_is_left(scene.site, phone, expected, promised=1)
        total += reckoning

    figure(f"{F7} of the database, at {len(left)} points of a send", f"{total} {TARGET}")
    assert left == ALONE
    assert total == Reckoning()


def test_a_send_that_dies_with_its_database_leaves_what_is_safe(scene, server, figure):
    left, total = {}, Reckoning()
    for point, expected in WITH_ITS_WORKER.items():
        phone, worker = new_phone(), scene.site.ask(send(new_phone())).worker
        scene.kill(point, send(phone), victims=[server.process.pid, worker])
        revive(server)
        left[point], reckoning = see_what_is_left(scene.site, phone, expected, promised=0)
        total += reckoning

    figure(f"{F7} of the database and its client, at {len(left)} points of a send", f"{total} {TARGET}")
    assert left == WITH_ITS_WORKER
    assert total == Reckoning()


def test_a_guess_whose_database_dies_is_not_counted_and_tells_nothing(scene, server, figure):
    """C15, in a transaction of two statements."""
    issued = scene.site.issue()
    [wrong] = issued.wrong(1)
    scene.site.ask(wrong)
    arm(scene.folder, "C15", server.process.pid)
    [answer] = fire(scene.site.address, [issued.right])
    revive(server)

    verification = Verification.objects.get(pk=issued.verification_id)
    assert (answer.status, verification.attempts, verification.verified_at) == (503, 1, None)
    assert scene.site.ask(issued.right).status == 200
    total = reckon(scene.site.platform, issued.phone, asked=1, promised=1)
    figure(f"{F7} of the database, at 1 point of a guess", f"{total} {TARGET}")
    assert total == Reckoning()
