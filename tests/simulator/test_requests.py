"""The ways in which the platform takes its parameters."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_ihuyi.simulator import Simulator
from tests.support.simulator_calls import FORM_TYPE, NOON, TEXT, Caller, make_form, read_code, sign

FORM = {**sign(make_form(), time=int(NOON)), "format": "json"}
PATH = "/webservice/sms.php"


def multipart(form):
    fields = [f'--frontier\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in form.items()]
    upload = '--frontier\r\nContent-Disposition: form-data; name="mobile"; filename="a"\r\n\r\nfile\r\n'
    return f"{''.join(fields)}{upload}--frontier--\r\n".encode()


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param({"verb": "GET", "query": urlencode({"method": "Submit", **FORM})}, id="query"),
        pytest.param({"body": urlencode(FORM).encode(), "content_type": FORM_TYPE}, id="form"),
        pytest.param(
            {"body": urlencode(FORM).encode(), "content_type": f"{FORM_TYPE.upper()}; charset=UTF-8"}, id="charset"
        ),
        pytest.param(
            {"body": "&".join(f"{k}={v}" for k, v in FORM.items()).encode(), "content_type": FORM_TYPE}, id="raw UTF-8"
        ),
        pytest.param(
            {
                "query": urlencode({"method": "Submit", "account": FORM["account"], "mobile": "to be overridden"}),
                "body": urlencode({k: v for k, v in FORM.items() if k != "account"}).encode(),
                "content_type": FORM_TYPE,
            },
            id="query and form, where the form wins",
        ),
        pytest.param(
            {"body": multipart(FORM), "content_type": "multipart/form-data; boundary=frontier"}, id="multipart"
        ),
        pytest.param(
            {"body": multipart(FORM), "content_type": 'multipart/form-data; boundary="frontier"; charset=utf-8'},
            id="multipart with a quoted boundary",
        ),
    ],
)
def test_parameters_are_read_from_query_form_and_multipart(platform, request_):
    request_ = {"verb": "POST", "path": PATH, "query": "method=Submit", **request_}

    status, _, body = platform.request(**request_)

    assert (status, read_code(body)) == (200, 2)
    assert [message.content for message in platform.simulator.messages()] == [TEXT]


@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain", "multipart/form-data", "nonsense"])
def test_a_body_of_another_content_type_is_not_read(platform, content_type):
    body = urlencode(FORM).encode()

    answer = platform.request("POST", PATH, query="method=Submit", content_type=content_type, body=body)[2]

    assert b"<code>401</code>" in answer


@pytest.mark.parametrize("query", ["", "method=", "method=submit", "method=Delete"])
def test_an_unknown_method_fails_and_sends_nothing(platform, query):
    assert platform.submit(FORM, query=query) == 0
    assert platform.simulator.messages() == []


def test_the_method_is_taken_from_the_query_only(platform):
    assert platform.submit({**FORM, "method": "Submit"}, query="") == 0


@pytest.mark.parametrize("verb", ["PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
def test_other_verbs_send_nothing(platform, verb):
    status, headers, _ = platform.request(verb, PATH, query=urlencode({"method": "Submit", **FORM}))

    assert (status, headers["Allow"]) == (405, "GET, POST")
    assert platform.simulator.messages() == []


def test_version_2_always_answers_in_json(platform):
    answer = platform.post({**FORM, "format": "xml"}, path="/sms/Submit.json", query="")

    assert read_code(answer) == 2
    assert read_code(platform.post({}, path="/sms/GetNum.json", query="")) == 401


def test_a_body_that_is_too_long_is_refused(platform):
    body = b"content=" + b"x" * (1 << 20)

    assert platform.request("POST", PATH, query="method=Submit", content_type=FORM_TYPE, body=body)[0] == 413


STRANGE = Caller(Simulator(limits=False))
VALUES = st.text() | st.sampled_from(["", "13800138000", TEXT, "1", "1234|", "json", "1700000000", "C00000001"])
NAMES = st.text(max_size=8) | st.sampled_from(
    ["account", "password", "mobile", "content", "time", "format", "templateid", "sign", "method"]
)
TYPES = st.text(max_size=40) | st.sampled_from(
    [FORM_TYPE, "multipart/form-data; boundary=x", "multipart/form-data; boundary=", "application/json"]
)


@given(
    form=st.dictionaries(NAMES, VALUES, max_size=12).map(
        lambda form: {name: value.encode("utf-8", "surrogatepass") for name, value in form.items()}
    )
)
def test_strange_forms_of_an_account_never_break_it(form):
    form = {"account": b"C00000001", "password": b"0123456789abcdef0123456789abcdef", **form}
    encoded = urlencode({name.encode("utf-8", "surrogatepass"): value for name, value in form.items()}).encode()

    answer = STRANGE.request("POST", "/sms/Submit.json", content_type=FORM_TYPE, body=encoded)

    assert answer[0] == 200
    assert read_code(answer[2]) in {0, 2, 401, 402, 403, 404, 405, 406, 407, 40501, 40502} | set(range(4070, 4076))


@given(query=st.binary().map(lambda raw: raw.decode("latin-1")), content_type=TYPES, body=st.binary(max_size=2000))
def test_strange_bytes_never_break_it(query, content_type, body):
    status, headers, answer = STRANGE.request("POST", PATH, query=query, content_type=content_type, body=body)

    assert (status, headers["Content-Length"]) == (200, str(len(answer)))
    assert b"<code>0</code>" in answer or b"<code>4" in answer


@given(path=st.text(max_size=30).map(lambda path: f"/_simulator/{path}"), query=st.text(), body=st.binary())
@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_strange_requests_never_break_the_pages(verb, path, query, body):
    assert STRANGE.request(verb, path, query=query, body=body)[0] in {200, 400, 404, 405}


@given(body=st.binary() | st.sampled_from([b"[" * 200_000, b'{"code":NaN}', b'{"code":1e999}', b"\xff", b"1" * 5000]))
def test_strange_orders_are_refused(body):
    assert STRANGE.request("POST", "/_simulator/answers", body=body)[0] == 400
