"""GeeTest's judging service, imitated on loopback with a certificate of its own."""

import pytest
import trustme


@pytest.fixture(scope="session")
def geetest_authority():
    return trustme.CA()


@pytest.fixture(scope="session")
def geetest_roots(geetest_authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("tls") / "roots.pem"
    geetest_authority.cert_pem.write_to_path(str(path))
    return str(path)
