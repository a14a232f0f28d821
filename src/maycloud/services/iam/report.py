"""The credential report: a line for each user, made anew when four hours have passed.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
"""

import csv
import io
from datetime import UTC, datetime

from maycloud.access import mfa
from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.iam.account import password_age
from maycloud.services.iam.common import identities, moment, scope
from maycloud.services.iam.users import keys_of
from maycloud.store import Document, Documents

LIFE = 4 * 3600.0  # seconds that a report is not made anew
_NAME = "CredentialReport"
_COLUMNS = (
    "user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed",
    "password_next_rotation", "mfa_active", "access_key_1_active", "access_key_1_last_rotated",
    "access_key_1_last_used_date", "access_key_1_last_used_region", "access_key_1_last_used_service",
    "access_key_2_active", "access_key_2_last_rotated", "access_key_2_last_used_date",
    "access_key_2_last_used_region", "access_key_2_last_used_service", "cert_1_active", "cert_1_last_rotated",
    "cert_2_active", "cert_2_last_rotated",
)  # fmt: skip


def _reports(call: Call) -> Documents:
    return call.store.documents("iam.account")


def generate_credential_report(call: Call, _params: Params) -> Result:
    held = _reports(call).get(scope(call), _NAME)
    if held is not None and held["Created"] > call.now() - LIFE:
        return {"State": "COMPLETE"}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for _, user in identities(call).users.items(scope(call)):
        writer.writerow(_line(call, user))
    _reports(call).put(scope(call), _NAME, {"Created": call.now(), "Content": text.getvalue()})
    return {"State": "STARTED", "Description": "No report exists. Starting a new report generation task"}


def get_credential_report(call: Call, _params: Params) -> Result:
    held = _reports(call).get(scope(call), _NAME)
    if held is None:
        raise AwsError(
            "ReportNotPresent", "No report exists. You must first generate a credential report.", 410
        )
    if held["Created"] <= call.now() - LIFE:
        raise AwsError("ReportExpired", "The most recent report has expired. Generate a new one.", 410)
    return {
        "Content": held["Content"].encode(),
        "ReportFormat": "text/csv",
        "GeneratedTime": moment(held["Created"]),
    }


def _line(call: Call, user: Document) -> list[str]:
    login = user.get("Login")
    age = password_age(call)
    changed = login.get("Changed", login["Created"]) if login else None
    devices = mfa.devices_of(identities(call), scope(call), user["UserName"])
    line = [
        user["UserName"],
        user["Arn"],
        _time(user["Created"]),
        _flag(login is not None),
        "no_information" if login else "N/A",  # there is nowhere to use it
        _time(changed),
        _time(changed + age * 86_400 if changed and age else None),
        _flag(bool(devices)),
    ]
    keys = keys_of(call, user["UserName"])
    for at in range(2):
        identifier, key = keys[at] if at < len(keys) else ("", None)
        used = identities(call).uses.get(("", ""), identifier)
        line += [_flag(key is not None and key["status"] == "Active"), _time(key["created"] if key else None)]
        line += [_time(used["at"]), used["region"], used["service"]] if used else ["N/A"] * 3
    rows = [*user.get("Certificates", {}).values()]
    for at in range(2):
        row = rows[at] if at < len(rows) else None
        line += [_flag(row is not None and row["Status"] == "Active"), _time(row["Created"] if row else None)]
    return line


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _time(epoch: float | None) -> str:
    return "N/A" if epoch is None else datetime.fromtimestamp(int(epoch), UTC).isoformat()
