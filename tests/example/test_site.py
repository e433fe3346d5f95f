"""The example site does the whole job over HTTP, in development and as it is deployed."""

import pytest
import requests

PHONE = "13912345678"


def verify(address, *, inbox):
    """Ask for a code, read it from the phone's inbox, and return the proof that it earns."""
    asked = {"phone": PHONE, "purpose": "register"}
    sent = requests.post(f"{address}/api/phone/send-code/", json=asked, timeout=30)
    assert sent.status_code == 202, sent.text
    [message] = requests.get(f"{inbox}/_simulator/messages", params={"mobile": PHONE}, timeout=30).json()
    answer = {"verification_id": sent.json()["verification_id"], "code": message["code"]}
    verified = requests.post(f"{address}/api/phone/verify-code/", json=answer, timeout=30)
    assert verified.status_code == 200, verified.text
    return verified.json()["proof"]


def register(address, proof):
    return requests.post(f"{address}/register/", json={"proof": proof}, timeout=30)


def test_a_proof_opens_an_account_once(site):
    proof = verify(site, inbox=site)

    first, second = register(site, proof), register(site, proof)

    assert first.status_code == 201
    assert first.json()["phone"] == f"+86{PHONE}"
    assert second.status_code == 400


@pytest.mark.proof
def test_it_does_the_same_under_gunicorn_with_a_platform_elsewhere(deployed_site, simulator):
    answer = register(deployed_site, verify(deployed_site, inbox=simulator))

    assert answer.status_code == 201


@pytest.mark.proof
def test_a_deployment_shows_no_simulator(deployed_site):
    assert requests.get(f"{deployed_site}/_simulator/", timeout=30).status_code == 404


@pytest.mark.proof
@pytest.mark.parametrize("path", ["/static/example_project/home.js", "/static/admin/css/base.css"])
def test_a_deployment_serves_its_static_files(deployed_site, path):
    assert requests.get(f"{deployed_site}{path}", timeout=30).status_code == 200


@pytest.mark.parametrize(("languages", "title"), [("en", "Verify your phone"), ("zh-CN,zh;q=0.9", "验证手机号")])
def test_the_page_speaks_the_visitors_language(site, languages, title):
    page = requests.get(site, headers={"Accept-Language": languages}, timeout=30)

    assert f"<title>{title}</title>" in page.text
