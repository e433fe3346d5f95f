"""The admin's pages of budgets: reasons for refusals, and the action that clears a budget."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from django_ihuyi.models.budgets import Budget
from tests.guards.budgets.test_guard import CLIENT, CONVERSION, GUARD, OFF, ask_many
from tests.support.time_travel import let_pass

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("outbox")]

LIST = "admin:ihuyi_budget_changelist"


@pytest.fixture
def story(configure):
    """Write budgets that an address, a prefix and all codes have exceeded."""
    limits = {"LIMITS": ["1/h"], "NUMBERS": []}
    entries = {"client": limits, "prefix": {"NUMBERS": ["1/h"], "MODE": "record"}, "conversion": CONVERSION}
    configure(GUARDS=[GUARD], BUDGETS=OFF | {name: {"MODE": "refuse", **entry} for name, entry in entries.items()})
    for number in range(6):
        ask_many(2, first=number, client=CLIENT)
        let_pass(hours=1, minutes=2)
    ask_many(2, first=20, client=CLIENT)


@pytest.fixture
def enter(client):
    """Return a function that returns a client logged in with some permissions."""

    def take(*rights):
        user = User.objects.create_user("operator", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(content_type__app_label="ihuyi", codename__in=rights))
        client.force_login(user)
        return client

    return take


def clear(client, *keys):
    data = {"action": "clear", "_selected_action": keys}
    return client.post(reverse(LIST), data, follow=True)


def test_the_list_shows_owner_and_reason_of_a_refusal(story, enter, settings):
    shown = enter("view_budget").get(reverse(LIST)).content.decode()

    assert f"client {CLIENT}" in shown
    assert "more messages than 1/h" in shown
    assert "prefix +861300000 ****" in shown
    assert "of the last codes were verified: a captcha is required" in shown


def test_a_page_shows_no_whole_number(story, enter):
    client = enter("view_budget")
    pages = [client.get(reverse("admin:ihuyi_budget_change", args=[budget.pk])) for budget in Budget.objects.all()]

    assert len(pages) > 3
    assert [page.status_code for page in pages] == [200] * len(pages)
    assert [page for page in pages if "+8613000000000" in page.content.decode()] == []


@pytest.mark.parametrize("query", ["?q=13800138000", "?key__startswith=client", "?history__spending__gt=1"])
def test_no_other_lookup_is_allowed(story, enter, query):
    response = enter("view_budget").get(reverse(LIST) + query)

    assert response.status_code in ((200,) if query.startswith("?q") else (302, 400))


def test_queries_do_not_grow_with_the_rows_of_a_list(enter, configure):
    client, counts = enter("view_budget", "clear_budget"), []
    configure(GUARDS=[GUARD])
    for size in (1, 30):
        for number in range(size):
            ask_many(1, first=100 * size + number, client=f"10.0.{size}.{number}")
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse(LIST))
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 10


def test_a_user_with_the_permission_clears_a_budget(story, enter):
    before = ask_many(1, first=30, client=CLIENT)
    response = clear(enter("view_budget", "clear_budget"), f"client {CLIENT}", "conversion")

    [first, second] = LogEntry.objects.order_by("object_id")
    assert before == ["client_limit"]
    assert "2 budgets were cleared." in response.content.decode()
    assert [entry.object_id for entry in (first, second)] == [f"client {CLIENT}", "conversion"]
    assert "more messages than 1/h" in first.get_change_message()
    assert ask_many(2, first=40, client=CLIENT) == [202, "client_limit"]


@pytest.mark.parametrize("rights", [[], ["view_budget"], ["view_budget", "change_budget", "delete_budget"]])
def test_a_user_without_the_permission_clears_nothing(story, enter, rights):
    before = set(Budget.objects.values_list("pk", flat=True))

    clear(enter(*rights), f"client {CLIENT}")

    assert set(Budget.objects.values_list("pk", flat=True)) == before
    assert LogEntry.objects.count() == 0
