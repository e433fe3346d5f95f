"""Our account and key go to the platform's hosts by https, and nowhere else."""

import pytest

from django_ihuyi.client.endpoint import PLATFORM_HOSTS, SMS_V1_URL, SMS_V2_URL, check_endpoint, check_path, method_url

GOOD = [SMS_V1_URL, SMS_V2_URL, f"{SMS_V1_URL}?method=Submit", "https://106.ihuyi.cn:443/webservice/sms.php"]


@pytest.mark.parametrize("url", [*GOOD, *(f"https://{host}/webservice/x.php" for host in sorted(PLATFORM_HOSTS))])
def test_the_platforms_addresses_pass(url):
    check_endpoint(url)


HOSTILE = {
    "plain http": "http://106.ihuyi.com/webservice/sms.php",
    "another host": "https://106.ihuyi.com.evil.example/sms.php",
    "a host before it": "https://evil-106.ihuyi.com/sms.php",
    "user information": "https://106.ihuyi.com@evil.example/sms.php",
    "a password": "https://user:secret@106.ihuyi.com/sms.php",
    "an empty user": "https://@106.ihuyi.com/sms.php",
    "a backslash": "https://106.ihuyi.com\\@evil.example/sms.php",
    "a backslash in the host": "https://106.ihuyi.com\\.evil.example/sms.php",
    "a fragment": "https://106.ihuyi.com/sms.php#x",
    "an empty fragment": "https://106.ihuyi.com/sms.php#",
    "an address": "https://8.8.8.8/sms.php",
    "an IPv6 address": "https://[2001:db8::1]/sms.php",
    "an address as a number": "https://2130706433/sms.php",
    "an address in hexadecimal": "https://0x7f.1/sms.php",
    "cloud metadata": "http://169.254.169.254/sms.php",
    "another port": "https://106.ihuyi.com:8443/sms.php",
    "no port": "https://106.ihuyi.com:x/sms.php",
    "a port too high": "https://106.ihuyi.com:99999/sms.php",
    "loopback": "http://127.0.0.1/sms.php",
    "localhost by https": "https://localhost/sms.php",
    "a trailing dot": "https://106.ihuyi.com./sms.php",
    "another scheme": "ftp://106.ihuyi.com/sms.php",
    "a file": "file:///etc/sms.php",
    "no scheme": "106.ihuyi.com/webservice/sms.php",
    "no host": "https:///sms.php",
    "empty": "",
    "a line end": "https://106.ihuyi.com/sms.php\n",
    "a blank": "https://106.ihuyi.com /sms.php",
    "full-width": "https://１０６.ihuyi.com/sms.php",
    "a broken bracket": "https://[106.ihuyi.com/sms.php",
    "another query": "https://106.ihuyi.com/sms.php?password=x",
    "another path": "https://106.ihuyi.com/",
    "another method": "https://api.ihuyi.com/sms/GetNum.json",
}


@pytest.mark.parametrize("url", HOSTILE.values(), ids=HOSTILE)
def test_any_other_address_is_refused_with_a_reason(url):
    with pytest.raises(ValueError, match=r"address|host") as caught:
        check_endpoint(url)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("place", ["http://127.0.0.1:8001", "http://localhost", "http://[::1]:80", "https://127.9.9.9"])
def test_loopback_passes_if_allowed(place):
    check_endpoint(f"{place}/sms.php", allow_loopback=True)


@pytest.mark.parametrize("host", ["10.0.0.1", "106.ihuyi.com", "localhost.evil.example", "0.0.0.0"])
def test_other_hosts_are_refused_even_if_loopback_is_allowed(host):
    with pytest.raises(ValueError, match="https"):
        check_endpoint(f"http://{host}/sms.php", allow_loopback=True)


def test_hosts_can_be_added_with_and_without_a_port():
    check_endpoint("https://sms.example.com/sms.php", allowed_hosts=["SMS.example.com"])
    check_endpoint("https://sms.example.com:8443/sms.php", allowed_hosts=["sms.example.com:8443"])
    with pytest.raises(ValueError, match=r"sms\.example\.com:8443"):
        check_endpoint("https://sms.example.com:8443/sms.php", allowed_hosts=["sms.example.com"])


def test_behind_an_adapter_any_host_will_do():
    check_path("http://simulator.invalid/webservice/sms.php")
    with pytest.raises(ValueError, match="end in"):
        check_path("http://simulator.invalid/")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (SMS_V1_URL, f"{SMS_V1_URL}?method=GetNum"),
        (f"{SMS_V1_URL}?method=Submit", f"{SMS_V1_URL}?method=GetNum"),
        (SMS_V2_URL, "https://api.ihuyi.com/sms/GetNum.json"),
    ],
)
def test_each_method_has_its_address(url, expected):
    assert method_url(url, "GetNum") == expected
