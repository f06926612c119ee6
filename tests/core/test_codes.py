"""Codes are read aloud and typed back."""

from hypothesis import given
from hypothesis import strategies as st

from tiqqo.core.codes import CROCKFORD, new_code, new_secret, normalise_code

codes = st.text(alphabet=CROCKFORD, min_size=1, max_size=12)


@given(codes)
def test_a_code_is_what_it_was_however_it_is_typed(code):
    assert normalise_code(code) == code
    assert normalise_code(code.lower()) == code
    assert normalise_code(f" {code[:4]}-{code[4:]} \t") == code
    misread = code.replace("1", "l").replace("0", "o")
    assert normalise_code(misread) == code
    assert normalise_code(code.replace("1", "I")) == code


def test_new_codes_are_of_the_alphabet_and_differ():
    codes = {new_code() for _ in range(500)}

    assert len(codes) == 500
    assert all(len(code) == 8 and set(code) <= set(CROCKFORD) for code in codes)
    assert len(new_code(10)) == 10


def test_secrets_carry_128_bits():
    assert len({new_secret() for _ in range(500)}) == 500
    assert len(new_secret()) == 22


@given(st.text(max_size=40))
def test_whatever_is_typed_can_be_compared(text):
    assert normalise_code(text).isalnum() or normalise_code(text) == ""
