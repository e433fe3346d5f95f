"""The diagrams: each picture shows what its source says, and the picture of the states shows what the code does."""

import re
from xml.etree import ElementTree

import pytest
from django.db import transaction

from django_ihuyi import retention
from django_ihuyi.client.outcomes import Outcome, Submission
from django_ihuyi.database.transactions import StaleRow
from django_ihuyi.delivery import outcomes
from django_ihuyi.delivery.receipts import take_receipt
from django_ihuyi.delivery.recovery import recover
from django_ihuyi.delivery.routing import Route
from django_ihuyi.models import Message, Recipient, State
from django_ihuyi.models.receipts import Receipt
from django_ihuyi.models.sql.claim import take_claimed
from tests.support.dispatchers import KEEPING
from tests.support.docs_pages import ROOT, text_of
from tests.support.time_travel import let_pass
from tests.support.use_cases import PHONE, send

SOURCES = sorted((ROOT / "docs/images").glob("*.dot"))
STATES = ROOT / "docs/images/message_states.dot"
SVG = "{http://www.w3.org/2000/svg}"
STATEMENT = re.compile(r"^\s*(\w+)(?: -> (\w+))? ?(?:\[(.*)\])?;$", re.MULTILINE)
LABEL = re.compile(r'\blabel="([^"]*)"')
PLATFORM_ID = "17955087820088600919"


def read(source):
    """Return the labels of the nodes and of the edges in a .dot file with one statement a line: {name: [line, …]}."""
    nodes, edges = {}, {}
    for name, head, attributes in STATEMENT.findall(text_of(source)):
        label = LABEL.search(attributes)
        lines = [line.strip() for line in label[1].split(r"\n")] if label else []
        if head:
            edges[name, head] = lines
        elif label:
            nodes[name] = lines
    return nodes, edges


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_picture_shows_the_labels_and_edges_of_its_source(source):
    nodes, edges = read(source)
    picture = ElementTree.parse(source.with_suffix(".svg"))

    drawn = [(group.get("class"), group.findtext(f"{SVG}title")) for group in picture.iter(f"{SVG}g")]
    shown = [text.text.strip() for text in picture.iter(f"{SVG}text")]
    assert sorted(name for kind, name in drawn if kind == "node") == sorted(nodes)
    assert sorted(re.split("->|--", name)[:2] for kind, name in drawn if kind == "edge") == sorted(map(list, edges))
    assert sorted(shown) == sorted(line for lines in [*nodes.values(), *edges.values()] for line in lines)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_picture_is_on_a_page_with_a_text_in_its_place(source):
    [alternative] = re.findall(
        rf"!\[([^\]]+)\]\(\.\./images/{source.stem}\.svg\)", text_of(ROOT / "docs/explanation/delivery.md")
    )

    assert len(alternative.split()) > 10


def test_the_picture_of_the_states_has_all_of_them():
    nodes, _ = read(STATES)

    assert set(nodes) == {*State.values, "written"}


def take(message):
    take_claimed(message, message.recipient, using="default")


def withdraw(message):
    outcomes.withdraw(message, fault="queue_down", using="default")


def recover_later(message):
    let_pass(hours=2)
    recover()


def forget(message):
    retention.forget(PHONE)


def settle(outcome, code=None):
    def end(message):
        submission = Submission(outcome=outcome, code=code, text="", platform_id="", elapsed=0.1)
        outcomes.settle(message, submission, using="default")

    return end


def receive(*, is_delivered):
    receipt = Receipt(platform_id=PLATFORM_ID, phone=PHONE, is_delivered=is_delivered, code="2")
    return lambda message: take_receipt(receipt)


#: Each event that moves a message, under its name in the picture.
EVENTS = {
    "taken": take,
    "withdrawn": withdraw,
    "recovery": recover_later,
    "number erased": forget,
    "accepted": settle(Outcome.ACCEPTED, code=2),
    "refused": settle(Outcome.REFUSED, code=4072),
    "not sent": settle(Outcome.UNSENT),
    "no answer": settle(Outcome.UNKNOWN),
    "receipt: arrived": receive(is_delivered=True),
    "receipt: failed": receive(is_delivered=False),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("outbox")
@pytest.mark.parametrize("event", EVENTS)
def test_an_event_moves_a_message_as_the_picture_shows(event):
    nodes, edges = read(STATES)
    moved = {}

    for state in State.values:
        message = message_in(state)
        try:
            EVENTS[event](message)
        except StaleRow:
            assert event == "taken"
        after, is_counted = Message.objects.values_list("state", "counted").get()
        if after != state:
            moved[state, after] = is_counted

    assert set(moved) == {edge for edge, events in edges.items() if event in events}
    assert moved == {(before, after): "counted" in nodes[after] for before, after in moved}


def message_in(state):
    """Return the only message, in this state, with its claim."""
    Recipient.objects.all().delete()
    send()
    Message.objects.update(state=state, counted=True, platform_id=PLATFORM_ID)
    return Message.objects.select_related("recipient", "verification").get()


#: The routes of the picture, and the settings that choose each.
ROUTES = {
    "INLINE": {},
    "IN_PROCESS": {"PURPOSES": {"login": {"POLICY": "tests.support.policies.is_anybody"}}},
    "QUEUE": {"DISPATCHER": KEEPING},
    "WITHHELD": {"TEST_NUMBERS": {PHONE: {"secret_code": "135790", "until": "9999-12-31", "name": "review"}}},
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("outbox")
@pytest.mark.parametrize("route", ROUTES)
def test_a_route_writes_a_message_in_the_state_that_the_picture_shows(configure, route):
    _, edges = read(STATES)
    configure(**ROUTES[route])

    with transaction.atomic():  # the call comes after the commit
        send()
        state = Message.objects.get().state

    assert [head for (tail, head), routes in edges.items() if tail == "written" and route in routes] == [state]


def test_the_picture_of_the_states_has_no_other_events_and_routes():
    _, edges = read(STATES)

    assert {line for lines in edges.values() for line in lines} == {*EVENTS, *ROUTES}


def test_the_picture_of_the_states_has_every_route():
    assert {route.name for route in Route} == set(ROUTES)
