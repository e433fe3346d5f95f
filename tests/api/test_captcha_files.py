"""The picture and the recording of a captcha have addresses in our API, with its limits."""

import base64
from datetime import timedelta

import pytest
from captcha.conf import settings as captcha_settings
from captcha.models import CaptchaStore

from tests.support.riddle_captcha import GUARD, riddles

pytestmark = pytest.mark.django_db

ABROAD = {"REMOTE_ADDR": "192.0.2.8"}
KEY = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def challenge(api, ihuyi):
    ihuyi(GUARDS=[GUARD], CAPTCHA={"BACKEND": "image"})
    return api.check(api.client.get("/api/phone/captcha/?purpose=login")).json()


def refusal(response):
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    return response.status_code, response.json()["code"]


@pytest.mark.parametrize("accept", ["image/avif,image/webp,image/*;q=0.8,*/*;q=0.5", "image/*", "text/html", ""])
def test_an_address_serves_the_picture_whatever_a_browser_accepts(client, challenge, accept):
    response = client.get(challenge["image_url"], headers={"Accept": accept})

    assert response.status_code == 200
    assert response["Content-Type"] == "image/png"
    assert response["Cache-Control"] == "no-store"
    assert base64.b64encode(response.content).decode() == challenge["image"].partition(",")[2]


def test_a_picture_is_the_same_at_each_request(client, challenge):
    """Many pictures of one text, with other noise in each, would tell the text."""
    pictures = {client.get(challenge["image_url"], **ABROAD).content for _ in range(5)}

    assert len(pictures) == 1


def test_pictures_count_as_captchas_do(client, challenge, ihuyi):
    ihuyi(GUARDS=[GUARD], CAPTCHA={"BACKEND": "image"}, CLIENT_LIMITS={"captcha": ["2/h"]})

    shown = client.get("/api/phone/captcha/?purpose=login", **ABROAD)
    responses = [client.get(challenge["image_url"], **ABROAD) for _ in range(2)]

    assert [shown.status_code, responses[0].status_code] == [200, 200]
    assert refusal(responses[1]) == (429, "client_limit")
    assert client.get(challenge["image_url"]).status_code == 200


def test_guessed_names_count_too(client, challenge, ihuyi):
    ihuyi(GUARDS=[GUARD], CAPTCHA={"BACKEND": "image"}, CLIENT_LIMITS={"captcha": ["2/h"]})

    statuses = [client.get(f"/api/phone/captcha/image/{KEY}/", **ABROAD).status_code for _ in range(3)]

    assert statuses == [404, 404, 429]


@pytest.mark.parametrize(
    "path",
    [f"image/{KEY}", f"image/{KEY}@2", "image/%00", f"image/{KEY}%00", "image/é", "image/" + "a" * 5000, "image/..",
     f"audio/{KEY}", f"video/{KEY}", f"%00/{KEY}", "image/%F0%9F%98%80", "image/%0A"],
)  # fmt: skip
def test_an_unknown_or_malformed_name_is_not_found(client, challenge, path):
    assert refusal(client.get(f"/api/phone/captcha/{path}/")) == (404, "not_found")


def test_the_name_of_a_live_picture_is_matched_exactly(client, challenge):
    assert refusal(client.get(challenge["image_url"][:-1] + "%0A/")) == (404, "not_found")
    assert refusal(client.get(challenge["image_url"].replace("/image/", "/images/"))) == (404, "not_found")


def test_an_expired_picture_is_not_found(client, challenge):
    stored = CaptchaStore.objects.get()
    stored.expiration -= timedelta(minutes=10)
    stored.save()

    assert refusal(client.get(challenge["image_url"])) == (404, "not_found")


def test_a_spent_picture_is_not_found(api, client, challenge):
    api.send(members={"captcha": {"challenge_id": challenge["challenge_id"], "text": "wrong"}})

    assert refusal(client.get(challenge["image_url"])) == (404, "not_found")


@pytest.mark.parametrize(
    "captcha", [{}, riddles()["CAPTCHA"], {"BACKEND": "proof_of_work"}], ids=["none", "own", "work"]
)
def test_a_site_with_another_captcha_serves_no_pictures(client, challenge, ihuyi, captcha):
    ihuyi(CAPTCHA=captcha)

    response = client.get(challenge["image_url"])

    assert refusal(response) == (404, "not_found")
    assert response.json()["detail"] == "There is no such captcha, or it has expired."


def test_another_method_than_get_is_refused(client, challenge):
    assert refusal(client.post(challenge["image_url"], "{}", content_type="application/json"))[0] == 405


def test_a_page_of_another_site_cannot_spend_its_visitors_limit(client, challenge):
    response = client.get(challenge["image_url"], headers={"Sec-Fetch-Site": "cross-site"})

    assert refusal(response) == (403, "cross_site")


def test_a_recording_is_served_with_the_same_limits(client, challenge, ihuyi, monkeypatch, tmp_path):
    flite = tmp_path / "flite"
    flite.write_text('#!/bin/sh\nprintf "RIFF %s" "$2" > "$4"\n')
    flite.chmod(0o700)
    monkeypatch.setattr(captcha_settings, "CAPTCHA_FLITE_PATH", str(flite))
    ihuyi(GUARDS=[GUARD], CAPTCHA={"BACKEND": "image"}, CLIENT_LIMITS={"captcha": ["1/h"]})
    url = challenge["image_url"].replace("/image/", "/audio/")

    recording, refused = client.get(url, headers={"Range": "bytes=a-b"}, **ABROAD), client.get(url, **ABROAD)

    assert (recording.status_code, recording["Content-Type"]) == (200, "audio/wav")
    assert recording["Cache-Control"] == "no-store"
    text = ", ".join(CaptchaStore.objects.get().challenge)
    assert recording.content.decode() == f"RIFF {text}"
    assert refusal(refused) == (429, "client_limit")
