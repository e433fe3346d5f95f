"""Numbers of other countries, read with libphonenumber (extra `international`)."""

from __future__ import annotations

from collections.abc import Collection

try:
    import phonenumbers
except ImportError:  # without the extra, foreign numbers are refused
    IS_INSTALLED = False
else:
    IS_INSTALLED = True

#: Types of numbers that can receive a message. In some countries mobile and fixed numbers look alike.
_REACHABLE = {"MOBILE", "FIXED_LINE_OR_MOBILE"}


def parse(text: str, *, regions: Collection[str]) -> str | None:
    """Return the E.164 form of a mobile number of one of the regions (ISO 3166, "GB"), or None."""
    if not IS_INSTALLED:
        return None
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
    kind = phonenumbers.PhoneNumberType.to_string(phonenumbers.number_type(number))
    if kind not in _REACHABLE or phonenumbers.region_code_for_number(number) not in regions:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_region(text: str) -> bool:
    """Return True if numbers of this region (ISO 3166, "GB") can be parsed."""
    return IS_INSTALLED and text in phonenumbers.SUPPORTED_REGIONS


def split(phone: str) -> tuple[str, str]:
    """Return country code and national number of an E.164 number that `parse` returned."""
    number = phonenumbers.parse(phone)
    country_code = str(number.country_code)
    return country_code, phone.removeprefix(f"+{country_code}")
