"""Call the simulator without a socket."""

import hashlib
import io
import json
from urllib.parse import urlencode

from django_ihuyi.simulator.app import SimulatorApp

ACCOUNT = "C00000001"
KEY = "0123456789abcdef0123456789abcdef"
MOBILE = "13800138000"
TEXT = "您的验证码是：1234。请不要把验证码泄露给其他人。"
NOTICE = "您的订单1234已发货，请注意查收。"
NOON = 1_700_000_000.25
FORM_TYPE = "application/x-www-form-urlencoded"


class Caller:
    """Calls the WSGI app as a server would."""

    def __init__(self, simulator, **options):
        self.simulator = simulator
        self.app = SimulatorApp(simulator, **options)

    def request(self, verb, path, *, query="", content_type="", body=b"", peer="127.0.0.1", **environ):
        started = []
        environ = {
            "REQUEST_METHOD": verb,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": content_type,
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": peer,
            "wsgi.input": io.BytesIO(body),
            **environ,
        }
        body = b"".join(self.app(environ, lambda status, headers: started.append((status, dict(headers)))))
        status, headers = started[0]
        return int(status[:3]), headers, body

    def post(self, form, *, query="method=Submit", path="/webservice/sms.php", peer="127.0.0.1", **environ):
        body = urlencode(form).encode()
        return self.request("POST", path, query=query, content_type=FORM_TYPE, body=body, peer=peer, **environ)[2]

    def submit(self, form, **options):
        """Return the result code of a Submit."""
        return read_code(self.post({**form, "format": "json"}, **options))

    def order(self, name, data, **environ):
        """Post to a page of the simulator's switches; return the status and the JSON of the response."""
        body = json.dumps(data).encode()
        status, _, answer = self.request("POST", f"/_simulator/{name}", body=body, **environ)
        return status, json.loads(answer)

    def look(self, name, **query):
        """Return a page's JSON."""
        return json.loads(self.request("GET", f"/_simulator/{name}", query=urlencode(query))[2])

    def send(self, **changes):
        """Return the result code of a good Submit with some changes."""
        return self.submit(make_form(**changes))


def read_code(body):
    return int(body.decode().removeprefix('{"code":').partition(",")[0])


def make_form(*, mobile=MOBILE, content=TEXT, account=ACCOUNT, **more):
    """Return a Submit's form with the APIKEY itself as password."""
    return {"account": account, "password": KEY, "mobile": mobile, "content": content, **more}


def sign(form, *, time, key=KEY):
    """Return the form with the dynamic password of a time."""
    signed = f"{form['account']}{key}{form.get('mobile', '')}{form.get('content', '')}{time}"
    return {**form, "time": str(time), "password": hashlib.md5(signed.encode()).hexdigest()}
