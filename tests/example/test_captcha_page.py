"""The page shows captchas in a real browser: Debian's Chromium."""

import json

import pytest
import requests
from captcha.models import CaptchaStore
from playwright.sync_api import expect

from tests.example.test_page import PHONE, arrived_code

pytestmark = pytest.mark.proof

GEETEST = {"IHUYI_GEETEST_ID": "647f5ed2ed8acb4be36784e01556bb71", "IHUYI_GEETEST_KEY": "k" * 32}
#: GeeTest's script, imitated: whoever sees the puzzle has solved it.
PUZZLE = """
window.initGeetest4 = ({ captchaId }, begin) => begin({
  onReady: (then) => then(),
  showCaptcha: () => {},
  onSuccess: (then) => setTimeout(then),
  onClose: () => {},
  onError: () => {},
  getValidate: () => ({ lot_number: "lot", captcha_output: captchaId, pass_token: "token", gen_time: "1760000000" }),
});
"""


@pytest.fixture
def visit(serve, open_page):
    """Open the page of a site with this captcha, for a visitor who has had all the codes that are free."""

    def visit(captcha, *, routes=(), visitor=None, **chosen):
        site = serve(IHUYI_CAPTCHA=captcha, **chosen)
        for number in range(3):
            asked = {"phone": f"1370000000{number}", "purpose": "login"}
            assert requests.post(f"{site}/api/phone/send-code/", json=asked, timeout=30).status_code == 202
        return open_page(site, routes=routes, **visitor or {})

    return visit


def ask(page):
    page.get_by_label("Mobile number").fill(PHONE)
    page.get_by_role("button", name="Get a code").click()


@pytest.fixture
def picture_in(beside):
    """Return what the picture shows that a page asks about, read where the site keeps it."""

    def picture_in(page):
        expect(page.get_by_label("Letters in the picture")).to_be_focused()
        key = page.locator("#captcha-image").get_attribute("src").split("/")[-2].partition("@")[0]
        return beside(lambda: CaptchaStore.objects.get(hashkey=key).challenge)

    return picture_in


def test_a_visitor_types_what_the_picture_shows_and_gets_a_code(visit, picture_in):
    page = visit("image")
    ask(page)

    field = page.get_by_label("Letters in the picture")
    expect(field).to_be_focused()
    expect(page.locator("#phone-error")).to_have_text("Solve the captcha first.")
    assert page.locator("#captcha-image").evaluate("picture => picture.decode().then(() => picture.naturalWidth)") > 50
    field.fill(picture_in(page))
    page.keyboard.press("Enter")

    expect(page.get_by_label("Code", exact=True)).to_be_focused()
    assert arrived_code(page)
    expect(field).to_be_hidden()


def test_who_types_something_else_gets_another_picture(visit, picture_in):
    page = visit("image")
    ask(page)
    field = page.get_by_label("Letters in the picture")
    first = picture_in(page)

    field.fill("nothing like it")
    page.keyboard.press("Enter")

    expect(page.locator("#phone-error")).to_have_text("The captcha was not solved. Solve the new one.")
    expect(field).to_be_focused()
    expect(field).to_have_value("")
    assert picture_in(page) != first


def test_who_cannot_read_it_asks_for_another(visit, picture_in):
    page = visit("image")
    ask(page)
    expect(page.get_by_label("Letters in the picture")).to_be_focused()
    first = page.locator("#captcha-image").get_attribute("src")

    page.get_by_role("button", name="Another picture").click()

    expect(page.locator("#captcha-image")).not_to_have_attribute("src", first)
    page.get_by_label("Letters in the picture").fill(picture_in(page))
    page.get_by_role("button", name="Get a code").click()
    expect(page.get_by_label("Code", exact=True)).to_be_focused()


def test_a_picture_fits_a_narrow_phone(visit):
    page = visit("image", visitor={"viewport": {"width": 320, "height": 640}, "color_scheme": "dark"})
    ask(page)

    expect(page.get_by_label("Letters in the picture")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_resend_shows_the_picture_beside_the_code(visit, picture_in):
    page = visit("image", IHUYI_CLIENT_LIMITS="off")
    page.clock.install()
    ask(page)
    page.get_by_label("Letters in the picture").fill(picture_in(page))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Code", exact=True)).to_be_focused()

    page.clock.run_for(61_000)
    page.get_by_role("button", name="Send it again").click()

    page.get_by_label("Letters in the picture").fill(picture_in(page))
    page.keyboard.press("Enter")
    # The site's own clock has not moved: it has looked at the captcha, and then at its limits.
    expect(page.locator("#code-error")).to_contain_text("A message was sent only just now.")


def test_a_proof_of_work_is_done_without_a_word(visit):
    page = visit("proof_of_work")
    ask(page)

    expect(page.get_by_label("Code", exact=True)).to_be_focused(timeout=60_000)
    assert arrived_code(page)


def test_geetests_puzzle_is_shown_and_its_answer_sent(visit):
    """The puzzle is an imitation, and so is the answer to the send: GeeTest cannot be asked from here."""
    sent = []

    def answer(route):
        sent.append(json.loads(route.request.post_data))
        if "captcha" not in sent[-1]:
            return route.continue_()
        body = {
            "verification_id": "0" * 32,
            "phone": "139****5678",
            "code_length": 6,
            "expires_in": 300,
            "resend_in": 60,
        }
        return route.fulfill(status=202, json=body)

    script = (
        "https://static.geetest.com/v4/gt4.js",
        lambda route: route.fulfill(body=PUZZLE, content_type="text/javascript"),
    )
    page = visit("geetest", routes=[script, ("**/send-code/", answer)], **GEETEST)
    ask(page)

    expect(page.get_by_label("Code", exact=True)).to_be_focused()
    captcha = sent[-1]["captcha"]
    assert len(captcha.pop("challenge_id")) > 64
    assert captcha == {
        "lot_number": "lot",
        "captcha_output": GEETEST["IHUYI_GEETEST_ID"],
        "pass_token": "token",
        "gen_time": "1760000000",
    }
