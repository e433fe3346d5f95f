"""A good Submit for each product."""

from tests.support.simulator_calls import KEY, TEXT

ABROAD = "44 7911123456"
ENGLISH = "Your verification code is 730194. Please do not share it with anyone."
CALL_NOTICE = "您的订单号是：0648。已由顺丰快递发出，请注意查收。"
AD = "亲爱的会员，双十二活动正在进行中，欢迎选购。退订回T"

#: Product: its host, its path, account, number, content, and the name of the id in its answers.
GOODS = {
    "sms": ("106.ihuyi.com", "/webservice/sms.php", "C00000001", "13800138000", TEXT, "smsid"),
    "voice_code": ("api.voice.ihuyi.com", "/webservice/voice.php", "VC00000001", "13800138000", "1234", "voiceid"),
    "voice_notice": ("api.vm.ihuyi.com", "/webservice/voice.php", "VM00000001", "13800138000", CALL_NOTICE, "voiceid"),
    "international": ("api.isms.ihuyi.com", "/webservice/isms.php", "I00000001", ABROAD, ENGLISH, "ismsid"),
    "marketing": ("api.yx.ihuyi.com", "/webservice/sms.php", "M00000001", "13800138000", AD, "smsid"),
}
VERSION_2 = {"sms": "/sms", "voice_notice": "/vm", "international": "/isms"}


def make_good(product, **changes):
    _, _, account, mobile, content, _ = GOODS[product]
    return {"account": account, "password": KEY, "mobile": mobile, "content": content, "format": "json", **changes}
