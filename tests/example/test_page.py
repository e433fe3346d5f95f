"""The page in a real browser: Debian's Chromium."""

import functools

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.proof

PHONE = "13912345678"


@pytest.fixture
def visit(site, open_page):
    """Open the page in a tab of its own; arguments describe the visitor."""
    return functools.partial(open_page, site)


def ask_for_a_code(page):
    page.get_by_label("Mobile number").fill(PHONE)
    page.get_by_role("button", name="Get a code").click()
    expect(page.get_by_label("Code", exact=True)).to_be_focused()


def arrived_code(page):
    bubble = page.locator("#inbox li").first
    expect(bubble).to_contain_text("您的验证码是")
    return "".join(character for character in bubble.inner_text().split("。")[0] if character.isdigit())


def test_a_visitor_verifies_a_phone_and_opens_an_account(visit):
    page = visit()

    ask_for_a_code(page)
    page.get_by_label("Code", exact=True).fill(arrived_code(page))
    page.get_by_role("button", name="Verify").click()
    expect(page.locator("#verified")).to_have_text(f"+86{PHONE} is verified.")
    page.get_by_role("button", name="Open my account").click()

    expect(page.locator("#verified")).to_contain_text("Welcome!")


def test_the_whole_story_works_with_the_keyboard_alone(visit):
    page = visit()

    page.get_by_label("Mobile number").focus()
    page.keyboard.type(PHONE)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Code", exact=True)).to_be_focused()
    page.keyboard.type(arrived_code(page))
    page.keyboard.press("Enter")

    expect(page.locator("#verified")).to_be_focused()


def test_a_page_that_is_reloaded_goes_on_counting_down(visit):
    page = visit()

    ask_for_a_code(page)
    page.reload()

    expect(page.get_by_label("Code", exact=True)).to_be_focused()
    expect(page.get_by_text("A code is on its way to 139****5678.").first).to_be_visible()
    resend = page.locator("#resend")
    expect(resend).to_be_disabled()
    expect(resend).to_contain_text("Send it again in 5")


def test_a_wrong_code_is_said_and_the_next_one_may_be_typed(visit):
    page = visit()

    ask_for_a_code(page)
    wrong = str(int(arrived_code(page)[0] == "1") + 1) + arrived_code(page)[1:]
    page.get_by_label("Code", exact=True).fill(wrong)
    page.get_by_role("button", name="Verify").click()

    expect(page.locator("#code-error")).not_to_be_empty()
    expect(page.get_by_label("Code", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Code", exact=True)).to_be_focused()


def test_a_number_that_is_none_is_said_beside_the_field(visit):
    page = visit()

    page.get_by_label("Mobile number").fill("12345")
    page.get_by_role("button", name="Get a code").click()

    expect(page.locator("#phone-error")).not_to_be_empty()
    expect(page.get_by_label("Mobile number")).to_be_focused()


def test_it_speaks_chinese_to_who_reads_chinese(visit):
    page = visit(locale="zh-CN")

    page.get_by_label("手机号码").fill("12345")
    page.get_by_role("button", name="获取验证码").click()

    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    expect(page.locator("#phone-error")).to_contain_text("号")


def test_it_fits_a_narrow_phone(visit):
    page = visit(viewport={"width": 320, "height": 640})

    ask_for_a_code(page)
    arrived_code(page)

    assert page.evaluate("document.documentElement.scrollWidth") <= 320
