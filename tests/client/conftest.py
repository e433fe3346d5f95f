"""A client on loopback; its deadlines are too long to be missed by a busy machine."""

import pytest

from django_ihuyi.client.http import Client

ACCOUNT = "C00000001"
API_KEY = "0123456789abcdef0123456789abcdef"
MOBILE = "13800138000"
#: For calls that nothing but their deadline ends. A loopback that takes seconds to connect is no machine for tests.
SHORT = {"total_timeout": 2.0, "connect_timeout": 1.0}
CONTENT = "您的验证码是：480917。请不要把验证码泄露给其他人。"


@pytest.fixture
def make_client():
    """Make a client of a server; closed when the test ends."""
    clients = []

    def make(url, **options):
        options = {"total_timeout": 20, "connect_timeout": 10, "allow_loopback": True, **options}
        clients.append(Client(account=ACCOUNT, api_key=API_KEY, url=url, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def submit(make_client):
    """Submit one message to an address, and check what must hold for every call."""

    def submit(url, *, content=CONTENT, **options):
        client = make_client(url, **options)
        submission = client.submit(mobile=MOBILE, content=content)
        assert submission.text.isprintable()
        assert len(submission.text) <= 200
        for secret in (API_KEY, MOBILE, "480917"):
            assert secret not in repr(submission)
        return submission

    return submit
