"""Certificates are verified and TLS is 1.2 at least; else not one byte of a request leaves."""

import datetime
import socket
import ssl
import warnings

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from django_ihuyi.client.http import Client
from django_ihuyi.client.outcomes import Outcome
from tests.client.conftest import SHORT
from tests.support.misbehaving_servers import ACCEPTED, Server, answer, raw_listener, says, tls_server

PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def roots(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("tls") / "roots.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def self_signed(directory):
    """Make a certificate that no authority vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(tz=datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = directory / "self.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_a_good_certificate_is_accepted(submit, authority, roots):
    with Server(says(answer(ACCEPTED)), tls=tls_server(authority.issue_cert("localhost"))) as server:
        submission = submit(server.url(host="localhost"), verify=roots)

    assert submission.outcome is Outcome.ACCEPTED


BAD_CERTIFICATES = {
    "5 expired": lambda ca, _: tls_server(ca.issue_cert("localhost", not_before=PAST, not_after=PAST.replace(month=2))),
    "6 for another host": lambda ca, _: tls_server(ca.issue_cert("106.ihuyi.com")),
    "6 of an unknown authority": lambda _ca, _: tls_server(trustme.CA().issue_cert("localhost")),
    "6 self-signed": lambda _ca, directory: self_signed(directory),
}


@pytest.mark.parametrize("make", BAD_CERTIFICATES.values(), ids=BAD_CERTIFICATES)
def test_a_bad_certificate_is_unsent_and_not_tried_again(make, submit, authority, roots, tmp_path):
    with Server(says(answer(ACCEPTED)), tls=make(authority, tmp_path)) as server:
        submission = submit(server.url(host="localhost"), verify=roots)

    assert (submission.outcome, submission.fault) == (Outcome.UNSENT, "tls_certificate")
    assert (server.connections, server.requests) == (1, [])


def test_6_the_roots_of_requests_are_the_default(submit, authority):
    with Server(says(answer(ACCEPTED)), tls=tls_server(authority.issue_cert("localhost"))) as server:
        submission = submit(server.url(host="localhost"))

    assert (submission.outcome, submission.fault, server.requests) == (Outcome.UNSENT, "tls_certificate", [])


def test_tls_1_1_is_refused(submit, authority, roots):
    def only_old(context):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")

    tls = tls_server(authority.issue_cert("localhost"), prepare=only_old)
    with Server(says(answer(ACCEPTED)), tls=tls) as server:
        submission = submit(server.url(host="localhost"), verify=roots)

    assert (submission.outcome, submission.fault, server.requests) == (Outcome.UNSENT, "tls_handshake", [])


def test_7_a_handshake_that_hangs_is_unsent(submit):
    with raw_listener(lambda connection, over: over.wait(20)) as port:
        submission = submit(f"https://localhost:{port}/sms.php", **SHORT)

    assert (submission.outcome, submission.fault) == (Outcome.UNSENT, "tls_handshake")


def test_7_a_handshake_that_drips_is_unsent_in_time(submit):
    def drip(connection, over):
        # The head of a record of 16 KiB, and then a byte now and then.
        connection.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")
        while not over.wait(0.05):
            connection.sendall(b"\0")

    with raw_listener(drip) as port:
        submission = submit(f"https://localhost:{port}/sms.php", **SHORT)

    assert (submission.outcome, submission.fault) == (Outcome.UNSENT, "tls_handshake")


def test_8_plain_http_on_the_tls_port_is_unsent(submit):
    received = []

    def speak_plainly(connection, over):
        received.append(connection.recv(65536))
        connection.sendall(answer(b"", "400 Bad Request"))

    with raw_listener(speak_plainly) as port:
        submission = submit(f"https://localhost:{port}/sms.php")

    assert (submission.outcome, submission.fault) == (Outcome.UNSENT, "tls_handshake")
    # Nothing but the start of a handshake, in each of the two tries.
    assert [data[0] for data in received] == [0x16, 0x16]


def test_a_reset_in_the_handshake_is_unsent(submit):
    with raw_listener(lambda connection, over: connection.recv(10)) as port:
        submission = submit(f"https://localhost:{port}/sms.php")

    assert (submission.outcome, submission.fault) == (Outcome.UNSENT, "tls_handshake")


def test_the_platforms_name_is_what_the_certificate_must_show(authority, roots):
    tls = tls_server(authority.issue_cert("106.ihuyi.com"))
    with Server(says(answer(ACCEPTED)), tls=tls) as server:
        place = socket.getaddrinfo("127.0.0.1", server.port, type=socket.SOCK_STREAM)
        client = Client(account="C1", api_key="k", verify=roots, lookup=lambda *_, **__: place)
        submission = client.submit(mobile="13800138000", content="1234", template_id="1")
        client.close()

    assert submission.outcome is Outcome.ACCEPTED
    assert server.requests[0].startswith(b"POST /webservice/sms.php?method=Submit HTTP/1.1\r\nHost: 106.ihuyi.com\r\n")
