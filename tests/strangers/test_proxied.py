"""Programs that are sent through a proxy can be sent to the simulator: it takes whole URLs as targets."""

import os
import subprocess
import sys
from urllib.parse import urlencode

import pytest

from django_ihuyi.simulator import Simulator
from django_ihuyi.simulator.server import serving
from tests.support.valid_submits import GOODS, make_good

# The standard library's client obeys HTTP_PROXY, and knows nothing of us.
PROGRAM = """
import sys, urllib.request
sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1], sys.argv[2].encode()).read())
"""


@pytest.mark.parametrize("product", GOODS)
def test_a_program_behind_a_proxy_meets_the_product_that_its_url_names(product):
    host, path, *_, id_field = GOODS[product]
    simulator = Simulator()
    with serving(simulator) as server:
        url = f"http://{host}{path}?method=Submit"
        environ = {**os.environ, "http_proxy": server.url, "no_proxy": ""}
        command = [sys.executable, "-c", PROGRAM, url, urlencode(make_good(product))]
        done = subprocess.run(command, env=environ, capture_output=True, encoding="utf-8", timeout=180)

    message = simulator.messages()[0]
    assert done.stdout == f'{{"code":2,"msg":"提交成功","{id_field}":"{message.smsid}"}}', done.stderr
    assert message.product == product
