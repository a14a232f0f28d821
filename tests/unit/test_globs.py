"""Patterns with stars: what they mean, and that no text keeps them busy."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maycloud.globs import compile_glob


@given(st.text("*?ab.", max_size=12), st.text("ab.?", max_size=12))
def test_patterns_mean_what_their_stars_say(pattern: str, text: str) -> None:
    naive = re.escape(pattern).replace(r"\*", ".*")
    assert bool(compile_glob(pattern).fullmatch(text)) is bool(re.fullmatch(naive, text))
    naive = naive.replace(r"\?", ".")
    assert bool(compile_glob(pattern, single=True).fullmatch(text)) is bool(re.fullmatch(naive, text))


@pytest.mark.parametrize("pattern", ["/*.*.*.*.jpg", "*a*a*a*a*a*a*b", "/*/*/*/*.?pg"])
def test_no_text_keeps_a_pattern_busy(pattern: str) -> None:
    begun = time.process_time()
    for text in ("." * 8000, "a" * 8000, "/" * 8000):
        assert not compile_glob(pattern, single=True).fullmatch("/" + text)
    assert time.process_time() - begun < 2
