"""The admin: permissions of each role, no secret on any page, and the action that lifts suppressions."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from django_ihuyi.admin import filters
from django_ihuyi.admin.base import BoundedPaginator
from django_ihuyi.models import Message, Recipient, Reply, Verification
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, failing, guess_right, guess_wrong, send

pytestmark = pytest.mark.django_db

OURS = {"content_type__app_label": "ihuyi"}
MODELS = {"recipient": Recipient, "verification": Verification, "message": Message, "reply": Reply}
LOOK = [f"view_{name}" for name in MODELS]
CHANGE = [f"{verb}_{name}" for verb in ("add", "change", "delete") for name in MODELS]

# What each role may do, beside nothing: superusers may do all that anybody may.
ROLES = {
    "anonymous": None,
    "staff": [],
    "viewer": LOOK,
    "changer": [*LOOK, *CHANGE],
    "operator": [*LOOK, "lift_suppression"],
    "superuser": "all",
}
EVERYBODY = list(ROLES)
LOOKERS = ["viewer", "changer", "operator", "superuser"]


def make_user(role):
    if ROLES[role] == "all":
        return User.objects.create_superuser("superuser")
    user = User.objects.create_user(role, is_staff=True)
    rights = Permission.objects.filter(content_type__app_label="ihuyi", codename__in=ROLES[role])
    assert rights.count() == len(ROLES[role])
    user.user_permissions.set(rights)
    return user


@pytest.fixture
def enter(client):
    """Return a function that returns a client logged in with a role."""

    def take(role):
        if ROLES[role] is not None:
            client.force_login(make_user(role))
        return client

    return take


def answer(phone=PHONE, content="TD\x1b[31m\u202e<b>=1+1"):
    return Reply.objects.record(phone, content, platform_id="1", replied_at=timezone.now())


@pytest.fixture
def story(configure, outbox):
    """Write rows of every kind; return the secrets that no page may show."""
    configure(CODE_LENGTH=8)
    live = send()
    guess_wrong(live)
    verified = send("+8613900139000")
    verdict = guess_right(verified)
    configure(CHANNELS=failing(outcome="refused", result_code=408))
    with pytest.raises(Exception, match="number_limit"):
        send("+8613700137000")
    configure(CHANNELS=failing())
    answer()
    seeds = [seed for seed in Verification.objects.values_list("seed", flat=True) if seed]
    numbers = [PHONE[3:], "13900139000", "13700137000"]
    return [*(text.code for text in outbox), *seeds, *numbers, verdict.proof]


def address(name, page, *arguments):
    return reverse(f"admin:ihuyi_{name}_{page}", args=arguments)


def pages():
    """Return {name: address} of every page of the app's admin."""
    found = {"app": reverse("admin:app_list", args=["ihuyi"]), "index": reverse("admin:index")}
    for name, model in MODELS.items():
        row = model.objects.order_by("pk").first()
        found[f"{name} list"] = address(name, "changelist")
        found[f"{name} add"] = address(name, "add")
        for page in ("change", "delete", "history"):
            found[f"{name} {page}"] = address(name, page, row.pk)
    return found


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("role", EVERYBODY)
def test_each_role_sees_only_permitted_pages(story, enter, role, method):
    client = enter(role)

    statuses = {page: getattr(client, method)(url).status_code for page, url in pages().items()}

    assert statuses == {page: expected_status(role, page, method) for page in statuses}


def expected_status(role, page, method):
    if role == "anonymous":
        return 302
    if page == "index":
        return 200
    if page == "app":
        return 200 if role in LOOKERS else 404
    if role not in LOOKERS or page.endswith((" add", " delete")):
        return 403
    if method == "post" and page.endswith(" change"):
        return 403
    return 200


@pytest.mark.parametrize("role", EVERYBODY)
def test_no_page_shows_a_code_a_seed_a_proof_or_a_whole_number(story, enter, role, figure):
    client = enter(role)
    # The login page repeats what an anonymous caller typed, to go on from there.
    searches = [] if role == "anonymous" else [f"{address(name, 'changelist')}?q={PHONE}" for name in MODELS]
    answers = [client.get(url, follow=True) for url in [*pages().values(), *searches]]
    answers += [act(client, name, action) for name in MODELS for action in ("lift", "delete_selected")]

    figure(f"F22 secrets in the admin, {role}", f"{len(shown(story, answers))} in {len(answers)} answers [target 0]")
    assert shown(story, answers) == []


def test_no_right_alone_shows_a_secret(story, client, figure):
    users = [User(username="nobody", is_staff=False)]
    users += [User(username=f"staff {n}", is_staff=True) for n in range(Permission.objects.filter(**OURS).count())]
    answers = []
    for user, right in zip(users, [None, *Permission.objects.filter(**OURS)], strict=True):
        user.save()
        # Who is not staff has all of them, and gets nowhere.
        user.user_permissions.set([right] if right else Permission.objects.filter(**OURS))
        client.force_login(user)
        answers += [client.get(url, follow=True) for url in pages().values()]

    figure("F22 secrets in the admin, each right alone", f"{len(shown(story, answers))} in {len(answers)} [target 0]")
    assert shown(story, answers) == []


def act(client, name, action):
    row = MODELS[name].objects.order_by("pk").first()
    return client.post(address(name, "changelist"), {"action": action, "_selected_action": [row.pk]}, follow=True)


def shown(secrets, answers):
    """Return the secrets in responses, their headers, and the addresses of redirects."""
    texts = [f"{answer.content.decode()} {answer.headers} {answer.redirect_chain}" for answer in answers]
    return [secret for secret in secrets for text in texts if secret in text]


def test_a_list_shows_numbers_masked_and_results_with_their_meaning(story, enter):
    shown = enter("viewer").get(address("message", "changelist")).content.decode()

    assert "137****7000" in shown
    assert "408: " in shown
    assert "blacklist" in shown


@pytest.mark.parametrize("page", ["changelist", "change"])
def test_a_reply_is_escaped(story, enter, page):
    arguments = [Reply.objects.get().pk] if page == "change" else []
    shown = enter("viewer").get(address("reply", page, *arguments)).content.decode()

    assert r"TD\x1b[31m\u202e&lt;b&gt;=1+1" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_results_are_explained_in_the_readers_language(story, enter):
    page = address("message", "changelist")
    shown = enter("viewer").get(page, headers={"Accept-Language": "zh-hans"}).content.decode()

    assert "黑名单" in shown


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    "spelling", [PHONE, "13800138000", "138 0013 8000", "138-0013-8000", "１３８００１３８０００"], ids=ascii
)
def test_a_number_is_found_in_any_spelling(story, enter, name, spelling):
    response = enter("viewer").get(address(name, "changelist"), {"q": spelling}, follow=True)

    rows = response.context["cl"].result_list
    assert [row.phone for row in rows] == [PHONE]


@pytest.mark.parametrize("name", MODELS)
def test_a_search_keeps_the_filters_that_were_set(story, enter, name):
    response = enter("viewer").get(address(name, "changelist"), {"q": PHONE, "p": "1"})

    assert response.status_code == 302
    assert re.fullmatch(rf"{address(name, 'changelist')}\?p=1&(recipient__)?id__exact=\d+", response["Location"])


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("13600136000", "No message has been sent to 136****6000."),
        ("1380013", "Enter a complete phone number"),
        ("%", "Enter a complete phone number"),
        ("<script>alert(1)</script>", "Enter a complete phone number"),
    ],
)
def test_a_search_without_a_known_number_shows_a_message(story, enter, name, typed, words):
    response = enter("viewer").get(address(name, "changelist"), {"q": typed}, follow=True)

    shown = response.content.decode()
    assert words in shown
    assert typed not in shown or typed == "%"


@pytest.mark.parametrize(
    ("name", "probe"),
    [
        ("recipient", "phone__startswith=%2B861380"),
        ("recipient", "phone=%2B8613800138000"),
        ("recipient", "guesses__login__in_a_row__gt=1"),
        ("recipient", "marks__guesses__login__in_a_row__gt=1"),
        ("verification", "seed__startswith=a"),
        ("verification", "seed__isempty=0"),
        ("verification", "key_id__startswith=a"),
        ("verification", "recipient__phone__startswith=%2B861380"),
        ("message", "recipient__phone__endswith=8000"),
        ("message", "verification__seed__startswith=a"),
        ("message", "text__contains=1"),
        ("message", "result_code__gt=2"),
        ("message", "purpose__contains=x"),
        ("reply", "content__contains=1"),
        ("reply", "recipient__phone__startswith=%2B861380"),
    ],
)
def test_no_lookup_reveals_a_secret_letter_by_letter(story, enter, name, probe):
    assert enter("superuser").get(f"{address(name, 'changelist')}?{probe}").status_code == 400


@pytest.mark.parametrize(
    ("name", "query", "count"),
    [
        ("message", "", 3),
        ("reply", "", 1),
        ("message", "state__exact=refused", 1),
        ("message", "channel=sms", 3),
        ("message", "purpose=login", 3),
        ("message", "purpose=register", 0),
        ("message", "result_code=408", 1),
        ("message", "result_code=2", 2),
        ("message", "created_at__gte=2000-01-01+00%3A00%3A00%2B00%3A00", 3),
        ("message", "created_at__lt=2000-01-01+00%3A00%3A00%2B00%3A00", 0),
        ("verification", "verified_at__isempty=0", 1),
        ("verification", "verified_at__isempty=1", 2),
        ("verification", "purpose=login", 3),
        ("recipient", "suppressed_at__isempty=0", 1),
        ("message", "purpose=login&recipient__id__exact={first}", 1),
        # What the filters do not offer changes nothing.
        ("message", "result_code=nonsense", 3),
    ],
)
def test_a_filter_shows_matching_rows(story, enter, name, query, count):
    first = Recipient.objects.order_by("pk").first().pk
    response = enter("viewer").get(f"{address(name, 'changelist')}?{query.format(first=first)}")

    assert response.status_code == 200
    assert len(response.context["cl"].result_list) == count


FOUND_WITHOUT_INDEX = [("message", "channel=sms"), ("message", "purpose=login"), ("verification", "purpose=login")]


@pytest.mark.parametrize(("name", "query"), [*FOUND_WITHOUT_INDEX, ("message", "result_code=2")])
def test_a_filter_without_an_index_reads_the_newest_rows_only(outbox, enter, monkeypatch, name, query):
    """Otherwise the search for a rare value would scan the whole send log, twice."""
    for number in range(5):
        send(f"+86138{number:08d}")
        let_pass(seconds=1)
    monkeypatch.setattr(filters, "NEWEST", 3)
    page = f"{address(name, 'changelist')}?{query}"
    client = enter("viewer")

    newest = client.get(page).context["cl"].result_list
    of_the_oldest = client.get(f"{page}&recipient__id__exact={Recipient.objects.order_by('pk').first().pk}")
    monkeypatch.setattr(filters, "NEWEST", 5)

    rows = list(MODELS[name].objects.all())
    assert list(newest) == rows[:3]
    assert list(of_the_oldest.context["cl"].result_list) == rows[4:]
    assert list(client.get(page).context["cl"].result_list) == rows


@pytest.mark.parametrize("name", MODELS)
def test_queries_do_not_grow_with_the_rows_of_a_page(outbox, enter, name, figure):
    client = enter("operator")
    counts = []
    for size in (1, 49):
        for number in range(size):
            phone = f"+86138{size:04d}{number:04d}"
            send(phone)
            answer(phone)
        with CaptureQueriesContext(connection) as queries:
            response = client.get(address(name, "changelist"))
        assert len(response.context["cl"].result_list) in (1, 50)
        counts.append(len(queries))

    page = address(name, "change", MODELS[name].objects.first().pk)
    with CaptureQueriesContext(connection) as queries:
        client.get(page)
    figure(f"A-06 queries of the admin: {name}", f"list {counts[1]}, page {len(queries)} (at most 10)")
    assert counts[0] == counts[1] <= 10
    assert len(queries) <= 10


def test_a_long_list_is_counted_up_to_a_bound(outbox):
    class Short(BoundedPaginator):
        bound = 3

    for number in range(5):
        send(f"+86138{number:08d}")

    with CaptureQueriesContext(connection) as queries:
        assert Short(Message.objects.all(), 2).count == 3
    assert "LIMIT 3" in queries[0]["sql"]


def lift(client, *recipients, **extra):
    data = {"action": "lift", "_selected_action": [recipient.pk for recipient in recipients], **extra}
    return client.post(address("recipient", "changelist"), data, follow=True)


@pytest.fixture
def stopped(configure, outbox):
    """Write a recipient that is on the platform's blacklist, and whose logins are locked."""
    configure(CHANNELS=failing(outcome="refused", result_code=408))
    with pytest.raises(Exception, match="number_limit"):
        send()
    configure(CHANNELS=failing())
    let_pass(minutes=5)
    recipient = Recipient.objects.get()
    recipient.guesses = {"login": {"failed_at": [recipient.suppressed_at.timestamp()], "in_a_row": 100}}
    recipient.save()
    return recipient


@pytest.mark.parametrize("role", ["operator", "superuser"])
def test_a_user_with_the_permission_lifts_suppression_and_locks(stopped, enter, role):
    response = lift(enter(role), stopped)

    assert "1 recipient was unblocked." in response.content.decode()
    stopped.refresh_from_db()
    assert (stopped.suppressed_at, stopped.suppressed_code, stopped.guesses) == (None, None, {})
    send()


def test_the_history_records_a_lift_with_user_and_former_state(stopped, enter):
    since = stopped.suppressed_at
    lift(enter("operator"), stopped)

    [entry] = LogEntry.objects.all()
    assert (entry.user.username, entry.object_id, entry.object_repr) == ("operator", str(stopped.pk), "138****8000")
    assert entry.get_change_message() == (
        f"Lifted. Suppressed by: 408, since {since}. Wrong guesses in a row: login: 100."
    )


def test_a_lock_of_marked_clients_is_shown_and_lifted_too(outbox, enter):
    send()
    failed = {"failed_at": [timezone.now().timestamp()], "in_a_row": 12}
    Recipient.objects.update(guesses={"login": failed | {"in_a_row": 4}}, marks={"guesses": {"login": failed}})

    client = enter("operator")
    shown = client.get(address("recipient", "changelist")).content.decode()
    response = lift(client, Recipient.objects.get())

    assert "login: 16" in shown
    assert "1 recipient was unblocked." in response.content.decode()
    assert Recipient.objects.get().marks == {}


def test_the_history_records_nothing_without_a_lift(outbox, enter):
    send()

    response = lift(enter("operator"), Recipient.objects.get())

    assert "0 recipients were unblocked." in response.content.decode()
    assert LogEntry.objects.count() == 0


@pytest.mark.parametrize("role", ["anonymous", "staff", "viewer", "changer"])
def test_a_user_without_the_permission_lifts_nothing(stopped, enter, role):
    lift(enter(role), stopped)

    stopped.refresh_from_db()
    assert stopped.suppressed_code == 408
    assert LogEntry.objects.count() == 0


def test_a_cross_site_request_lifts_nothing(stopped):
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user("operator"))

    assert lift(client, stopped).status_code == 403
    stopped.refresh_from_db()
    assert stopped.suppressed_code == 408


@pytest.mark.parametrize("action", ["delete_selected", "lift"])
def test_a_viewer_is_offered_no_action(story, enter, action):
    response = enter("viewer").get(address("recipient", "changelist"))

    assert f'value="{action}"' not in response.content.decode()


def test_no_action_deletes_rows(story, enter):
    client = enter("superuser")
    data = {"action": "delete_selected", "_selected_action": [Recipient.objects.first().pk], "post": "yes"}

    client.post(address("recipient", "changelist"), data)

    assert Recipient.objects.count() == 3
