"""One number has one form, however it is written; what is no number is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_ihuyi import phones
from django_ihuyi.exceptions import InvalidPhone
from django_ihuyi.phones.numbers import fold
from tests.support.spellings import ACCEPTED, CANONICAL, MASKED, REFUSED


@pytest.mark.parametrize("spelling", ACCEPTED.values(), ids=ACCEPTED)
def test_a_number_has_one_form_however_it_is_written(spelling):
    assert phones.parse(spelling) == CANONICAL


@pytest.mark.parametrize("spelling", REFUSED.values(), ids=REFUSED)
def test_other_text_is_refused_without_being_repeated(spelling):
    with pytest.raises(InvalidPhone) as refusal:
        phones.parse(spelling)

    assert "138" not in str(refusal.value)


@given(st.text() | st.text(alphabet="0123456789+- 　１８", max_size=32))
def test_any_text_gives_a_canonical_number_or_a_refusal(text):
    try:
        phone = phones.parse(text)
    except InvalidPhone:
        return

    assert phones.parse(phone) == phones.parse(phones.wire(phone)) == phone


def test_the_fold_keeps_the_length_of_ascii_text():
    """Masking depends on it: otherwise the positions in the folded text are wrong."""
    for character in map(chr, range(128)):
        assert len(fold(character)) == 1


def test_the_wire_gets_the_eleven_digits_of_the_canonical_number():
    assert phones.wire(CANONICAL) == "13800138000"


def test_a_mask_shows_three_digits_in_front_and_four_behind():
    assert phones.mask(CANONICAL) == MASKED
