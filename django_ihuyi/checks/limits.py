"""Findings about limits and lifetimes."""

from __future__ import annotations

from collections.abc import Iterator

from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.names import accepts, sound
from django_ihuyi.conf import Settings
from django_ihuyi.rates import parse_rate

#: Messages to one number in a day: the platform's limits 4082 and 4085, 5 on its page.
PLATFORM_LIMIT = 5
#: Concurrent calls that leave half of a process with 64 threads free; few server processes have more threads.
MOST_CONCURRENT = 32
#: The API's throttle scopes. All clients together share none but "send": else free requests could spend it.
SCOPES = {"CLIENT_LIMITS": {"send", "verify", "captcha", "status"}, "GLOBAL_LIMITS": {"send"}}


@finding("E004", hint="Leave CODE_LENGTH at 6. Five digits can be guessed; the platform's variables have at most 8.")
def find_code_length() -> Iterator[str]:
    """Codes are shorter than 6 digits or longer than 8."""
    yield from _complain_outside("CODE_LENGTH", 6, 8)


@finding("E005", hint="Leave CODE_LIFETIME at 300. In less than 2 minutes, a code may expire before it arrives.")
def find_code_lifetime() -> Iterator[str]:
    """Codes expire in less than 2 or more than 10 minutes (NIST SP 800-63B-4, section 3.1.3.2)."""
    yield from _complain_outside("CODE_LIFETIME", 120, 600)


@finding("E006", hint="Leave MAX_ATTEMPTS at 5.")
def find_max_attempts() -> Iterator[str]:
    """A code allows no guess, or more than 10."""
    yield from _complain_outside("MAX_ATTEMPTS", 1, 10)


@finding("E007", hint="Leave RESEND_INTERVAL at 60. The platform accepts one message a second to one number.")
def find_resend_interval() -> Iterator[str]:
    """The interval between two messages of one purpose is less than a second or more than an hour."""
    yield from _complain_outside("RESEND_INTERVAL", 1, 3600)


@finding("E008", hint='Write {"messages": 5, "codes": 5}.')
def find_number_limits() -> Iterator[str]:
    """NUMBER_LIMITS has an unknown limit, or one below 1."""
    for name, limit in sorted(sound("NUMBER_LIMITS").items()):
        if name not in Settings.NUMBER_LIMITS:
            yield f"IHUYI['NUMBER_LIMITS'] has the unknown limit {name!r}."
        elif limit < 1:
            yield f"IHUYI['NUMBER_LIMITS'][{name!r}] is {limit}, so no message could be sent."


@finding("E009", hint="Lower the limit. If the platform has granted you more, set EXCEED_PLATFORM_LIMITS to True.")
def find_limits_above_the_platforms() -> Iterator[str]:
    """NUMBER_LIMITS exceed the platform's: it refuses the excess, and blacklists a number after 20 messages."""
    if not sound("EXCEED_PLATFORM_LIMITS"):
        yield from _complain_above_the_platforms()


@finding("W001", hint="Make sure that the platform has granted your account more than five messages.", deploy=True)
def find_limits_above_the_platforms_on_purpose() -> Iterator[str]:
    """NUMBER_LIMITS exceed the platform's, as EXCEED_PLATFORM_LIMITS allows."""
    if sound("EXCEED_PLATFORM_LIMITS"):
        yield from _complain_above_the_platforms()


@finding("E010", hint='Use the scopes "send", "verify", "captcha" and "status"; GLOBAL_LIMITS has "send" only.')
def find_unknown_scopes() -> Iterator[str]:
    """CLIENT_LIMITS or GLOBAL_LIMITS have an unknown scope."""
    for name, scopes in SCOPES.items():
        for scope in sorted(set(sound(name)) - scopes):
            yield f"IHUYI[{name!r}] has the unknown scope {scope!r}."


@finding("E011", hint='Write count/period, as in "5/m", with period s, m, h or d.')
def find_wrong_rates() -> Iterator[str]:
    """CLIENT_LIMITS or GLOBAL_LIMITS contain an invalid rate."""
    for name in ("CLIENT_LIMITS", "GLOBAL_LIMITS"):
        for scope, rates in sound(name).items():
            for rate in rates or ():
                if not accepts(parse_rate, rate):
                    yield f"IHUYI[{name!r}][{scope!r}] contains {rate!r}, which is not a rate."


@finding("E050", hint="Leave PLATFORM_CONCURRENCY at 4, or set it to half of the threads of one process.")
def find_platform_concurrency() -> Iterator[str]:
    """PLATFORM_CONCURRENCY is below 1, or above 128, the size of the connection pool."""
    yield from _complain_outside("PLATFORM_CONCURRENCY", 1, 128)


@finding("W024", hint="Set PLATFORM_CONCURRENCY to half of the threads of one process.", deploy=True)
def find_no_bulkhead() -> Iterator[str]:
    """PLATFORM_CONCURRENCY exceeds half of the threads of a typical server process: all of them could hang."""
    if MOST_CONCURRENT < sound("PLATFORM_CONCURRENCY") <= 128:
        yield f"A platform that hangs could block {sound('PLATFORM_CONCURRENCY')} threads of each process."


def _complain_outside(name: str, least: int, most: int) -> Iterator[str]:
    value = sound(name)
    if not least <= value <= most:
        yield f"IHUYI[{name!r}] is {value}, but must be from {least} to {most}."


def _complain_above_the_platforms() -> Iterator[str]:
    for name, limit in sound("NUMBER_LIMITS").items():
        if limit > PLATFORM_LIMIT:
            yield f"IHUYI['NUMBER_LIMITS'][{name!r}] is {limit}, but the platform's limit is {PLATFORM_LIMIT}."
