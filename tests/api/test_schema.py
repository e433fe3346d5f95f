"""The API's description in OpenAPI says what the API does, and what it does not say is not answered."""

import io
from collections import Counter

import pytest
import schemathesis
from django.core.management import call_command
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from django_ihuyi.api.problems import PROBLEMS
from django_ihuyi.guards.captcha import show_captcha
from tests.support.docs_pages import ROOT
from tests.support.riddle_captcha import GUARD, riddles, solve
from tests.support.use_cases import PHONE, send

COMMITTED = ROOT / "docs" / "reference" / "openapi.yaml"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
BUDGETS = "django_ihuyi.guards.budgets.BudgetGuard"
#: Where the requests come from.
CLIENT = "127.0.0.1"
#: Requests that are made up for each address.
EXAMPLES = 50

described = schemathesis.openapi.from_path(COMMITTED)


def test_the_committed_description_is_the_one_that_is_generated():
    """To write it anew: see CONTRIBUTING.md."""
    generated = io.StringIO()

    call_command("spectacular", "--fail-on-warn", "--validate", stdout=generated, skip_checks=True)

    assert generated.getvalue() == COMMITTED.read_text(encoding="utf-8")


def test_each_refusal_is_described():
    described_codes = {
        code
        for operation in operations()
        for status, response in operation["responses"].items()
        if int(status) >= 400
        for code in response["description"].split(", ")
    }

    # A description lists an address's methods, so another method is none of its answers.
    assert described_codes == set(PROBLEMS) - {"method_not_allowed"}


@pytest.mark.django_db
def test_the_schema_of_captcha_has_the_answer_if_none_can_be_shown(configure, client):
    configure(**riddles(options={"is_down": "showing"}))
    [operation] = [operation for operation in operations() if operation["operationId"] == "getCaptcha"]

    response = client.get("/api/phone/captcha/", {"purpose": "login"})

    assert response.json()["code"] in operation["responses"][str(response.status_code)]["description"].split(", ")


def operations():
    return [operation for path in described.raw_schema["paths"].values() for operation in path.values()]


class Known:
    """What a request may name that means something: what is made up hardly ever hits a number, a purpose or an id."""

    members = {
        "phone": PHONE,
        "purpose": "login",
        "channel": "sms",
        "code": "123456",
    }

    @classmethod
    def put_into(cls, members):
        """Let every second request be one that means something."""
        if isinstance(members, dict) and len(repr(members)) % 2:
            return {name: cls.members.get(name, value) for name, value in members.items()}
        return members

    @classmethod
    def put_into_body(cls, body):
        """Let half of what means something answer a captcha, and what is made up as an answer name one at least."""
        known = cls.put_into(body)
        if known is body or "phone" not in known:
            return known
        answer, made_up = solve(show_captcha(purpose="login", client=CLIENT)), known.get("captcha", {})
        if isinstance(made_up, dict) and len(repr(body)) % 4 == 1:
            known["captcha"] = made_up | answer
        elif isinstance(made_up, dict) and made_up:
            known["captcha"] = made_up | {"challenge_id": answer["challenge_id"]}
        return known


@described.hook
def map_body(context, body):
    return Known.put_into_body(body)


@described.hook
def map_query(context, query):
    return Known.put_into(query)


@described.hook
def map_headers(context, headers):
    return Known.put_into(headers)


@described.hook
def map_path_parameters(context, parameters):
    return Known.put_into(parameters)


@pytest.fixture
def _live_verification(configure, monkeypatch):
    live = send().verification_id
    for name in ("verification_id", "Verification-Id"):
        monkeypatch.setitem(Known.members, name, live)
    configure(CLIENT_LIMITS={}, GLOBAL_LIMITS={}, **riddles(guards=[BUDGETS, GUARD]))


@pytest.fixture
def answered(figure, request):
    """Counts the answers by their statuses."""
    statuses = Counter()
    yield statuses
    errors = sum(count for status, count in statuses.items() if status >= 500)
    operation = request.node.name.partition("[")[2].rstrip("]")
    figure(f"F10 {operation}", f"{errors} answers of 5xx [target 0], of {dict(sorted(statuses.items()))}")
    assert "send-code" not in operation or statuses[403] + statuses[429]  # else no guard was asked


@pytest.mark.usefixtures("_live_verification")
@pytest.mark.django_db(transaction=True)
@described.parametrize()
@hypothesis_settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_answer_matches_the_schema(case, answered, live_server):
    response = case.call(base_url=live_server.url)

    case.validate_response(response, checks=CHECKS)
    answered[response.status_code] += 1
