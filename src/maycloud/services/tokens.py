"""Numbers that come back from clients: paging tokens, sequence numbers, versions in ARNs."""


def is_number(text: str) -> bool:
    """Whether a text is a number that we may have given out: ASCII digits, and no more than SQLite holds.

    ``int`` refuses texts of more than 4,300 digits, and ``isdigit`` is true of ``²``, which it refuses too.
    """
    return text.isascii() and text.isdigit() and len(text) <= 18
