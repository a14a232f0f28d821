"""Lists in pages: from a Marker, at most MaxItems."""

from typing import Any

from maycloud.services.base import Params
from maycloud.services.lambda_.code import invalid
from maycloud.services.tokens import is_number

MAX_ITEMS = 50  # of a page, whatever is asked for


def page(member: str, found: list[dict[str, Any]], params: Params) -> dict[str, Any]:
    """One page of `found` as the member of a result. A marker is the number of what came before it."""
    marker = params.get("Marker")
    if marker is not None and not is_number(marker):
        raise invalid("Invalid Marker")
    start = int(marker or 0)
    end = start + min(params.get("MaxItems", MAX_ITEMS), MAX_ITEMS)
    result: dict[str, Any] = {member: found[start:end]}
    if end < len(found):
        result["NextMarker"] = str(end)
    return result
