"""What a message costs at the least: one POST on a session that all requests of the process share."""

import requests
from django.conf import settings

session = requests.Session()


def post(mobile, text):
    """Hand one message to the platform."""
    form = {
        "account": "C00000001",
        "password": "0123456789abcdef0123456789abcdef",
        "mobile": mobile,
        "content": text,
        "format": "json",
    }
    answer = session.post(settings.PLATFORM_URL, params={"method": "Submit"}, data=form, timeout=8).json()
    if answer["code"] != 2:
        raise RuntimeError(f"the platform answers {answer}")
