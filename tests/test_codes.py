"""Codes are uniform, bound to all that they are for, and live as long as their key."""

import hashlib
import multiprocessing
import secrets
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import pytest

from django_ihuyi import codes

BOUND = {
    "seed": "00112233445566778899aabbccddeeff",
    "verification_id": "f" * 32,
    "phone": "+8613800138000",
    "purpose": "login",
    "length": 6,
}


def derive(**changes):
    return codes.derive(**{"key_id": codes.current_key_id(), **BOUND, **changes})


def chi_squared(counts, *, cells, total):
    expected = total / cells
    return sum((counts.get(cell, 0) - expected) ** 2 for cell in range(cells)) / expected


def bound_of_chi_squared(cells):
    """The value that a uniform source exceeds once in 1000 times (Wilson and Hilferty, 1931)."""
    freedom = cells - 1
    return freedom * (1 - 2 / (9 * freedom) + 3.0902 * (2 / (9 * freedom)) ** 0.5) ** 3


def judge(drawn):
    """Return {what was looked at: (chi-squared, the value not to exceed)} for codes of 6 digits."""
    digits = {
        f"digit {place + 1}": (chi_squared(Counter(int(code[place]) for code in drawn), cells=10, total=len(drawn)), 10)
        for place in range(6)
    }
    # As many cells as leave 20 codes or more for each.
    cells = min(10**6, len(drawn) // 20)
    whole = chi_squared(Counter(int(code) * cells // 10**6 for code in drawn), cells=cells, total=len(drawn))
    return {name: (found, bound_of_chi_squared(count)) for name, (found, count) in digits.items()} | {
        "whole codes": (whole, bound_of_chi_squared(cells))
    }


def draw_fixed(count):
    # Seeds that are the same in every run, so that a verdict with p = 0.001 is the same too.
    return [derive(seed=hashlib.sha256(b"%d" % number).hexdigest()[:32]) for number in range(count)]


def test_codes_are_uniform_leading_zeros_included():
    judged = judge(draw_fixed(20_000))

    assert {name: found for name, (found, bound) in judged.items() if found > bound} == {}


@pytest.mark.proof
def test_a_million_codes_are_uniform_over_every_digit_and_over_all_cells(figure):
    drawn = draw_fixed(1_000_000)

    judged = judge(drawn)
    cells = chi_squared(Counter(map(int, drawn)), cells=10**6, total=10**6)
    zeros = sum(code.startswith("0") for code in drawn) / len(drawn)
    figure("S-01 chi-squared over 10^6 cells", f"{cells:.0f} (at most {bound_of_chi_squared(10**6):.0f})")
    figure("S-01 codes that begin with 0", f"{zeros:.2%} (10 % ± 0.2)")
    assert {name: found for name, (found, bound) in judged.items() if found > bound} == {}
    assert cells <= bound_of_chi_squared(10**6)
    assert zeros == pytest.approx(0.10, abs=0.002)


def draw_seeds(count):
    return [codes.new_seed() for _ in range(count)]


@pytest.mark.proof
def test_forked_processes_do_not_share_their_randomness():
    way = "fork" if "fork" in multiprocessing.get_all_start_methods() else None
    with ProcessPoolExecutor(8, mp_context=multiprocessing.get_context(way)) as pool:
        seeds = [seed for part in pool.map(draw_seeds, [10_000] * 8) for seed in part]

    assert len(set(seeds)) == len(seeds)


def test_the_same_inputs_give_the_same_code():
    assert derive() == derive()


@pytest.mark.parametrize(
    "change",
    [
        {"seed": "10112233445566778899aabbccddeeff"},
        {"verification_id": "e" * 32},
        {"phone": "+8613800138001"},
        {"purpose": "reset_password"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_code_is_bound_to_each_of_its_inputs(change):
    assert derive(**change, length=8) != derive(length=8)


@pytest.mark.parametrize("length", [6, 7, 8])
def test_a_code_has_as_many_digits_as_were_asked_for(length):
    drawn = [derive(seed=secrets.token_hex(16), length=length) for _ in range(200)]

    assert {(len(code), code.isascii(), code.isdigit()) for code in drawn} == {(length, True, True)}


def test_a_code_outlives_the_move_of_its_key_to_the_fallbacks(settings):
    key_id, code = codes.current_key_id(), derive()

    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a-new-secret-key-of-more-than-32-bytes"

    assert codes.current_key_id() != key_id
    assert derive(key_id=key_id) == code
    assert derive() != code


def test_there_is_no_code_once_its_key_is_retired(settings):
    key_id = codes.current_key_id()

    settings.SECRET_KEY = "a-new-secret-key-of-more-than-32-bytes"

    assert derive(key_id=key_id) == ""


def test_there_is_no_code_once_its_seed_is_blanked():
    assert derive(seed="") == ""


@pytest.mark.parametrize(
    ("code", "guess", "expected"),
    [
        pytest.param("012345", "012345", True, id="right"),
        pytest.param("012345", "12345", False, id="without its leading zero"),
        pytest.param("012345", "012345 ", False, id="with a blank"),
        pytest.param("012345", "０12345", False, id="full-width"),
        pytest.param("012345", "", False, id="empty"),
        pytest.param("012345", "\ud800", False, id="lone surrogate"),
        # A code that cannot be derived is empty: the empty guess is not right for that.
        pytest.param("", "", False, id="no code, empty guess"),
    ],
)
def test_a_guess_is_right_only_if_it_is_the_code_itself(code, guess, expected):
    assert codes.matches(code, guess) is expected


def test_a_secret_key_may_be_bytes(settings):
    code = derive()

    settings.SECRET_KEY = settings.SECRET_KEY.encode()

    assert derive() == code
