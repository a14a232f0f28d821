"""Patterns with stars, matched without backtracking."""

import re


def compile_glob(text: str, *, single: bool = False) -> re.Pattern[str]:
    """For `fullmatch`: ``*`` is any characters, with `single` ``?`` is one; case counts.

    Every star but the last is decided once, in an atomic group: the leftmost fit leaves most room. With
    backtracking a long text could keep a pattern of a few stars busy for minutes.
    """
    first, *rest = (
        "".join("." if single and char == "?" else re.escape(char) for char in run) for run in text.split("*")
    )
    source = first + "".join(f"(?>.*?{run})" for run in rest[:-1])
    if rest:
        source += ".*" + rest[-1]
    return re.compile(source, re.DOTALL)
