"""The phone page in a real browser: Debian's Chromium."""

import os
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from django_ihuyi.simulator import Simulator
from django_ihuyi.simulator.pushes import PushPlan
from django_ihuyi.simulator.server import serving
from tests.support.push_receiver import receiving
from tests.support.simulator_calls import MOBILE, NOTICE, TEXT, Caller
from tests.support.valid_submits import GOODS, make_good

pytestmark = pytest.mark.proof

OTHER = "13900139000"


@pytest.fixture
def simulator():
    return Simulator(limits=False, push_plan=PushPlan(delay=0))


@pytest.fixture
def platform(simulator):
    return Caller(simulator)


@pytest.fixture
def browser():
    with sync_playwright() as playwright:
        quiet = ["--headless", "--disable-gpu", "--disable-background-networking"]
        # Chromium's sandbox does not work for root.
        arguments = [*quiet, "--no-sandbox"] if os.geteuid() == 0 else quiet
        yield playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)


@pytest.fixture
def visit(simulator, browser):
    """Open the page in a tab of its own; arguments describe the visitor."""
    complaints = []
    with serving(simulator) as server:

        def open_page(**visitor):
            context = browser.new_context(**{"locale": "en-US"} | visitor)
            context.grant_permissions(["clipboard-read", "clipboard-write"])
            page = context.new_page()
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
            page.on("request", lambda asked: None if asked.url.startswith(server.url) else complaints.append(asked.url))
            page.goto(f"{server.url}/_simulator/")
            return page

        yield open_page
    assert complaints == []


def choose(page, mobile):
    page.get_by_role("link", name=mobile).click()
    expect(page.get_by_role("heading", name=mobile)).to_be_visible()


def test_messages_arrive_by_themselves_on_many_phones(visit, platform):
    page = visit()
    expect(page.get_by_text("No phone has got a message yet.")).to_be_visible()

    platform.send()
    expect(page.get_by_role("link", name=MOBILE)).to_contain_text("您的验证码是")
    platform.send(mobile=OTHER)
    expect(page.locator("#phones li").first).to_contain_text(OTHER)
    expect(page.locator("#toast")).to_contain_text(f"{OTHER} 1234")

    choose(page, MOBILE)
    expect(page.locator("#bubbles li")).to_have_count(1)
    platform.send(content=NOTICE)
    expect(page.locator("#bubbles li").nth(1)).to_contain_text("【互亿无线】您的订单1234已发货")


def test_a_click_copies_the_code(visit, platform):
    page = visit()
    platform.send(content=TEXT.replace("1234", "004821"))
    choose(page, MOBILE)

    page.get_by_role("button", name="004821").click()

    expect(page.locator("#toast")).to_have_text("Copied: 004821")
    assert page.evaluate("navigator.clipboard.readText()") == "004821"


def test_a_reply_typed_on_the_page_is_pushed_to_the_site(visit, platform):
    with receiving() as receiver:
        platform.order("accounts", {"account": "C00000001", "reply_url": receiver.url})
        page = visit()
        platform.send()
        choose(page, MOBILE)

        page.get_by_label("Answer as this phone").fill("退订")
        page.keyboard.press("Enter")

        expect(page.locator("#bubbles .reply")).to_contain_text("退订")
        expect(page.get_by_label("Answer as this phone")).to_have_value("")
        assert platform.simulator.pushes.wait(60)
        assert [form["content"] for form in receiver.forms] == ["退订"]


def test_the_page_sets_the_fate_of_a_message(visit, platform):
    with receiving() as receiver:
        platform.order("accounts", {"account": "C00000001", "receipt_url": receiver.url})
        page = visit()
        page.get_by_label("Receipts").select_option("I decide")
        expect(page.get_by_label("Receipts")).to_have_value("never")
        page.wait_for_function("fetch('threads').then(answer => answer.json()).then(news => news.fate === 'never')")
        platform.send()
        choose(page, MOBILE)

        page.get_by_label("What became of it").select_option("Failed: BLACK-Y")

        expect(page.locator("#bubbles li[data-fate=failed]")).to_have_count(1)
        assert platform.simulator.pushes.wait(60)
        assert [(form["code"], form["msg"]) for form in receiver.forms] == [("0", "BLACK-Y")]


def test_a_call_looks_different_from_a_text(visit, platform):
    page = visit()
    host, path, *_ = GOODS["voice_code"]
    platform.post(make_good("voice_code"), path=path, HTTP_HOST=host)
    choose(page, MOBILE)

    bubble = page.locator("#bubbles li")
    expect(bubble).to_contain_text("您的验证码是：1，2，3，4。")
    expect(bubble).to_contain_text("Call")
    expect(bubble.get_by_role("button", name="1234")).to_be_visible()


def test_a_message_with_markup_is_shown_as_text(visit, platform):
    platform.order("accounts", {"account": "C00000001", "variable_length": 99})
    page = visit()
    platform.send(content=NOTICE.replace("1234", "<img src=x onerror=alert(1)>"))
    choose(page, MOBILE)

    expect(page.locator("#bubbles")).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator("#bubbles img").count() == 0


def test_everything_works_with_the_keyboard_alone(visit, platform):
    page = visit()
    platform.send()
    link = page.get_by_role("link", name=MOBILE)
    expect(link).to_be_visible()

    link.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#bubbles")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="1234")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("#toast")).to_have_text("Copied: 1234")


def test_a_list_of_many_phones_can_be_searched(visit, platform):
    page = visit()
    for digit in range(8):
        platform.send(mobile=f"1390013900{digit}")

    page.get_by_label("Find a number").fill("9007")

    expect(page.locator("#phones li")).to_have_count(1)


def test_the_page_is_in_the_browsers_language_and_can_be_switched(visit, platform):
    page = visit(locale="zh-CN")
    expect(page.get_by_role("heading", name="手机", exact=True)).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "zh-Hans"

    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Phones", exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Phones", exact=True)).to_be_visible()


def test_the_page_fits_a_narrow_phone_and_leads_back(visit, platform):
    page = visit(viewport={"width": 320, "height": 568})
    platform.send(content=NOTICE)
    choose(page, MOBILE)
    expect(page.locator("#phones")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320

    page.get_by_role("link", name="All phones").click()
    expect(page.get_by_role("link", name=MOBILE)).to_be_visible()


def test_after_a_reset_the_page_is_empty_again(visit, platform):
    page = visit()
    platform.send()
    choose(page, MOBILE)

    platform.order("reset", None)

    expect(page.get_by_text("No phone has got a message yet.")).to_be_visible()
