"""Denials: which permissions were missing of late, and what was asked for that is not there."""

from typing import Any

from maycloud.console import shown
from maycloud.console.visit import Visit, fill
from maycloud.edge.messages import Response
from maycloud.pages import Markup, join


def denials(visit: Visit) -> Response:
    assert visit.session is not None
    principal = visit.session.principal
    found = list(visit.cloud.access.denials)
    everything = visit.cloud.access.is_administrator(principal)
    if not everything:  # who administers one account sees what its own principals lacked
        found = [each for each in found if _account(each["principal"]) == principal.account]
    if found:
        listed = fill("denials", rows=join([_row(each) for each in reversed(found)]))
    else:
        listed = shown.empty("Nothing was denied since the cloud was started.")
    missing = _missing(visit) if everything else Markup("")
    return visit.page("Denials", join([listed, missing]))


def _account(arn: str) -> str:
    parts = arn.split(":")
    return parts[4] if len(parts) > 4 else ""


def _row(denial: dict[str, Any]) -> Markup:
    return fill(
        "denial",
        when=shown.moment(denial["time"]),
        principal=denial["principal"],
        action=denial["action"],
        resource=denial["resource"],
        reason=denial["reason"],
    )


def _missing(visit: Visit) -> Markup:
    rows = [fill("missing_row", name=name, count=str(n)) for name, n in sorted(visit.cloud.missing.items())]
    return fill("missing", rows=join(rows)) if rows else Markup("")
