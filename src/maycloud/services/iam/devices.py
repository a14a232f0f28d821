"""Virtual MFA devices: authenticator apps, to be enabled with two codes that follow each other.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html
https://docs.aws.amazon.com/IAM/latest/APIReference/API_VirtualMFADevice.html
"""

from typing import Any

from maycloud import onetime
from maycloud.access import mfa
from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.iam import qrcode
from maycloud.services.iam.attachments import USER
from maycloud.services.iam.common import (
    check_name,
    check_tag_count,
    conflict,
    identities,
    limit_exceeded,
    moment,
    page,
    path_of,
    scope,
    tag_list,
    tags_of,
)
from maycloud.services.iam.users import describe as describe_user
from maycloud.services.iam.users import own_name
from maycloud.store import Document

MAX_DEVICES = 8  # of a user


def device_arn(call: Call, params: Params) -> str:
    if params.get("SerialNumber"):
        return params["SerialNumber"]
    name = params.get("VirtualMFADeviceName", "*")
    return f"arn:aws:iam::{call.account}:mfa{params.get('Path', '/')}{name}"


def _save(call: Call, device: Document) -> None:
    identities(call).write(identities(call).devices, scope(call), device["SerialNumber"], device)


def _find(call: Call, params: Params) -> Document:
    serial = params["SerialNumber"]
    found = identities(call).devices.get(scope(call), serial)
    if found is None:
        raise AwsError("NoSuchEntity", f"VirtualMFADevice with serial number {serial} doesn't exist.", 404)
    return found


def _find_of(call: Call, params: Params) -> Document:
    """The device of the user that a call names."""
    USER.find(call, params)
    device = identities(call).devices.get(scope(call), params["SerialNumber"])
    if device is None or device.get("User") != params["UserName"]:
        raise AwsError("NoSuchEntity", f"Device with serial number {params['SerialNumber']} not found", 404)
    return device


def create_virtual_mfa_device(call: Call, params: Params) -> Result:
    name, path = params["VirtualMFADeviceName"], path_of(params)
    check_name("virtualMFADeviceName", name, 226)
    serial = f"arn:aws:iam::{call.account}:mfa{path}{name}"
    if identities(call).devices.get(scope(call), serial) is not None:
        raise AwsError(
            "EntityAlreadyExists", "MFADevice entity at the same path and name already exists.", 409
        )
    device: Document = {"SerialNumber": serial, "Seed": onetime.new_secret(), "Tags": tags_of(params)}
    _save(call, device)
    seed = device["Seed"]
    told: dict[str, Any] = {
        "SerialNumber": serial,
        "Base32StringSeed": seed.encode(),
        "QRCodePNG": qrcode.png(f"otpauth://totp/{name}@{call.account}?secret={seed}"),
    }
    return {"VirtualMFADevice": told | ({"Tags": tag_list(device)} if device["Tags"] else {})}


def delete_virtual_mfa_device(call: Call, params: Params) -> Result:
    device = _find(call, params)
    if device.get("User"):
        raise conflict("MFA VirtualDevice in use. Must deactivate first.")
    identities(call).remove(identities(call).devices, scope(call), device["SerialNumber"])
    return None


def list_virtual_mfa_devices(call: Call, params: Params) -> Result:
    wanted = params.get("AssignmentStatus", "Any")
    rows: list[dict[str, Any]] = []
    for serial, device in identities(call).devices.items(scope(call)):
        assigned = bool(device.get("User"))
        if wanted != "Any" and assigned != (wanted == "Assigned"):
            continue
        told: dict[str, Any] = {"SerialNumber": serial}
        if assigned:
            user = identities(call).users.get(scope(call), device["User"])
            if user is not None:
                told["User"] = describe_user(user, whole=False)
            told["EnableDate"] = moment(device["Enabled"])
        rows.append(told)
    return page(rows, params, "VirtualMFADevices")


def enable_mfa_device(call: Call, params: Params) -> Result:
    user = USER.find(call, params)["UserName"]
    device = _find(call, params)
    if device.get("User"):
        raise AwsError(
            "EntityAlreadyExists", f"MFA Device is already in use by the user {device['User']}.", 409
        )
    if len(mfa.devices_of(identities(call), scope(call), user)) >= MAX_DEVICES:
        raise limit_exceeded("MFADevicesPerUser", MAX_DEVICES)
    _synchronize(call, device, params)
    found = _find(call, params)
    _save(call, found | {"User": user, "Enabled": call.now()})
    return None


def resync_mfa_device(call: Call, params: Params) -> Result:
    _synchronize(call, _find_of(call, params), params)
    return None


def _synchronize(call: Call, device: Document, params: Params) -> None:
    """Take two codes, of which the second follows the first."""
    clock = call.store.clock
    first = onetime.step_of(device["Seed"], params["AuthenticationCode1"], clock.wall())
    second = onetime.step_of(device["Seed"], params["AuthenticationCode2"], clock.wall())
    if first is None or second != first + 1 or first <= device.get("LastStep", 0):
        raise AwsError("InvalidAuthenticationCode", "Authentication code for device is not valid.", 403)
    _save(call, device | {"LastStep": second})


def deactivate_mfa_device(call: Call, params: Params) -> Result:
    if not params.get("UserName"):
        params = params | {"UserName": own_name(call, params)}
    device = dict(_find_of(call, params))
    del device["User"], device["Enabled"]
    _save(call, device)
    return None


def list_mfa_devices(call: Call, params: Params) -> Result:
    user = own_name(call, params)
    if params.get("UserName"):
        USER.find(call, params)
    rows = [
        {
            "UserName": user,
            "SerialNumber": device["SerialNumber"],
            "EnableDate": moment(device["Enabled"]),
        }
        for device in mfa.devices_of(identities(call), scope(call), user)
    ]
    return page(rows, params, "MFADevices")


def get_mfa_device(call: Call, params: Params) -> Result:
    device = _find_of(call, params) if params.get("UserName") else _find(call, params)
    told: dict[str, Any] = {"SerialNumber": device["SerialNumber"]}
    if device.get("User"):
        told |= {"UserName": device["User"], "EnableDate": moment(device["Enabled"])}
    return told


def tag_mfa_device(call: Call, params: Params) -> Result:
    device = _find(call, params)
    tags = {**device["Tags"], **tags_of(params)}
    check_tag_count(tags)
    _save(call, device | {"Tags": tags})
    return None


def untag_mfa_device(call: Call, params: Params) -> Result:
    device = _find(call, params)
    tags = {key: value for key, value in device["Tags"].items() if key not in params["TagKeys"]}
    _save(call, device | {"Tags": tags})
    return None


def list_mfa_device_tags(call: Call, params: Params) -> Result:
    return page(sorted(tag_list(_find(call, params)), key=lambda tag: tag["Key"]), params, "Tags")
