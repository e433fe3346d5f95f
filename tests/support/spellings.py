"""Spellings of one number: `phones.parse` accepts each, and the masks of logs and error reports find each."""

CANONICAL = "+8613800138000"
MASKED = "138****8000"

ACCEPTED = {
    "bare": "13800138000",
    "plus 86": "+8613800138000",
    "86": "8613800138000",
    "0086": "008613800138000",
    "with blanks": "+86 138 0013 8000",
    "with hyphens": "138-0013-8000",
    "each digit apart": "1 3-8 0-0 1-3 8-0 0-0",
    "country code apart": "00 - 86 - 138 00138 000",
    "full-width digits": "１３８００１３８０００",
    "full-width plus": "＋８６１３８００１３８０００",
    "full-width hyphens": "138－0013－8000",
    "no-break blanks": "138\N{NO-BREAK SPACE}0013\N{NO-BREAK SPACE}8000",
    "ideographic blank": "138\N{IDEOGRAPHIC SPACE}0013 8000",
    "leading blank": " 13800138000",
    "trailing blank": "13800138000 ",
    # Mathematical digits are the same digits in another typeface, as Unicode sees it.
    "mathematical digits": "𝟙𝟛𝟠𝟘𝟘𝟙𝟛𝟠𝟘𝟘𝟘",
    "superscript digits": "¹³⁸00138000",
    # One character, which Unicode reads as two digits.
    "circled number": "⑬800138000",
}

REFUSED = {
    "Arabic-Indic digits": "١٣٨٠٠١٣٨٠٠٠",
    "Devanagari digits": "१३८००१३८०००",
    "zero-width space": "138\N{ZERO WIDTH SPACE}00138000",
    "byte order mark": "\N{ZERO WIDTH NO-BREAK SPACE}13800138000",
    "right-to-left mark": "\N{RIGHT-TO-LEFT MARK}13800138000",
    "tab": "138\t00138000",
    "line feed at the end": "13800138000\n",
    "carriage return and line feed": "13800138000\r\n",
    "NUL": "13800138000\0",
    "URI": "tel:13800138000",
    "extension": "13800138000;ext=1",
    "number sign": "13800138000#1",
    "two numbers": "13800138000,13900139000",
    "two numbers, piped": "13800138000|13900139000",
    "two numbers, encoded": "13800138000%2C13900139000",
    "int": 13800138000,
    "float": 13800138000.0,
    "exponent": "1.3800138e10",
    "bool": True,
    "None": None,
    "list": ["13800138000"],
    "object": {"phone": "13800138000"},
    "bytes": b"13800138000",
    "empty": "",
    "blank": " ",
    "10 digits": "1380013800",
    "12 digits": "138001380001",
    "landline": "01012345678",
    "not 13 to 19": "12800138000",
    "foreign": "+14155550123",
    "two plus signs": "++8613800138000",
    "too long to look at": "13800138000" + " " * 22,
}
