"""What users have beside access keys: MFA devices, passwords, certificates, SSH keys; and the report of it.

Words as moto's tests/test_iam/test_iam_signing_certificates.py (verified against AWS) has them, and of the
API reference.
"""

import base64
import csv
import json
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from maycloud.onetime import STEP, totp
from running import RunningCloud

ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@pytest.fixture(scope="module")
def iam(cloud: RunningCloud) -> Any:
    return cloud.client("iam")


def refused(call: Any, code: str, /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


def certificate(key: rsa.RSAPrivateKey | None = None) -> tuple[str, str]:
    """A certificate and its private key, in PEM."""
    key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example.com")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def steps_left(least: float) -> int:
    """The present time step, with at least so many seconds of it to go."""
    while STEP - time.time() % STEP < least:
        time.sleep(0.05)
    return int(time.time() // STEP)


def test_a_device_is_enabled_by_two_codes_and_opens_sessions(cloud: RunningCloud, iam: Any) -> None:
    iam.create_user(UserName="ann")
    keys = iam.create_access_key(UserName="ann")["AccessKey"]
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone", Path="/apps/")["VirtualMFADevice"]
    serial, seed = made["SerialNumber"], made["Base32StringSeed"].decode()
    assert serial == "arn:aws:iam::000000000000:mfa/apps/phone"
    assert made["QRCodePNG"].startswith(b"\x89PNG")
    told = refused(
        iam.create_virtual_mfa_device, "EntityAlreadyExists", VirtualMFADeviceName="phone", Path="/apps/"
    )
    assert told == "MFADevice entity at the same path and name already exists."
    step = steps_left(5.0)
    wanted = {"UserName": "ann", "SerialNumber": serial}
    for first, second in ((totp(seed, step), totp(seed, step)), (totp(seed, step), totp(seed, step - 1))):
        refused(
            iam.enable_mfa_device, "InvalidAuthenticationCode", **wanted,
            AuthenticationCode1=first, AuthenticationCode2=second,
        )  # fmt: skip
    iam.enable_mfa_device(
        **wanted, AuthenticationCode1=totp(seed, step - 1), AuthenticationCode2=totp(seed, step)
    )
    assert [each["SerialNumber"] for each in iam.list_mfa_devices(UserName="ann")["MFADevices"]] == [serial]
    assigned = iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"]
    assert [each["User"]["UserName"] for each in assigned] == ["ann"]
    assert iam.list_virtual_mfa_devices(AssignmentStatus="Unassigned")["VirtualMFADevices"] == []
    sts = cloud.client("sts", key=keys["AccessKeyId"], secret=keys["SecretAccessKey"])
    once = {"SerialNumber": serial, "TokenCode": totp(seed, step + 1)}
    with_mfa = sts.get_session_token(**once)["Credentials"]
    failed = "MultiFactorAuthentication failed"
    assert refused(sts.get_session_token, "AccessDenied", **once).startswith(f"{failed} with invalid MFA one")
    words = refused(sts.get_session_token, "AccessDenied", SerialNumber=serial + "x", TokenCode="123456")
    assert words.startswith(f"{failed}, unable to validate MFA code.")
    without = sts.get_session_token()["Credentials"]
    statement = ALL["Statement"][0] | {"Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}}
    document = ALL | {"Statement": [statement]}
    iam.put_user_policy(UserName="ann", PolicyName="mfa", PolicyDocument=json.dumps(document))
    for session, lets in ((with_mfa, True), (without, False)):
        there = cloud.client(
            "dynamodb", key=session["AccessKeyId"], secret=session["SecretAccessKey"],
            token=session["SessionToken"],
        )  # fmt: skip
        if lets:
            assert there.list_tables()["TableNames"] == []
        else:
            refused(there.list_tables, "AccessDeniedException")
    told = refused(iam.delete_user, "DeleteConflict", UserName="ann")
    assert told == "Cannot delete entity, must delete access keys first."
    told = refused(iam.delete_virtual_mfa_device, "DeleteConflict", SerialNumber=serial)
    assert told == "MFA VirtualDevice in use. Must deactivate first."
    iam.update_user(UserName="ann", NewUserName="anna")
    iam.deactivate_mfa_device(UserName="anna", SerialNumber=serial)
    iam.delete_virtual_mfa_device(SerialNumber=serial)
    refused(iam.get_mfa_device, "NoSuchEntity", SerialNumber=serial)


def test_a_role_may_ask_for_a_device(cloud: RunningCloud, iam: Any) -> None:
    iam.create_user(UserName="bob")
    iam.put_user_policy(UserName="bob", PolicyName="all", PolicyDocument=json.dumps(ALL))
    keys = iam.create_access_key(UserName="bob")["AccessKey"]
    trust = {
        "Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole",
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    }  # fmt: skip
    arn = iam.create_role(
        RoleName="careful", AssumeRolePolicyDocument=json.dumps(ALL | {"Statement": [trust]})
    )["Role"]["Arn"]
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName="bob")["VirtualMFADevice"]
    serial, seed = made["SerialNumber"], made["Base32StringSeed"].decode()
    step = steps_left(5.0)
    iam.enable_mfa_device(
        UserName="bob", SerialNumber=serial, AuthenticationCode1=totp(seed, step - 1),
        AuthenticationCode2=totp(seed, step),
    )  # fmt: skip
    sts = cloud.client("sts", key=keys["AccessKeyId"], secret=keys["SecretAccessKey"])
    wanted = {"RoleArn": arn, "RoleSessionName": "careful"}
    refused(sts.assume_role, "AccessDenied", **wanted)
    refused(sts.assume_role, "AccessDenied", **wanted, SerialNumber=serial, TokenCode="000000")
    sts.assume_role(**wanted, SerialNumber=serial, TokenCode=totp(seed, step + 1))


def test_users_change_their_own_password(cloud: RunningCloud, iam: Any) -> None:
    iam.create_user(UserName="carl")
    iam.put_user_policy(UserName="carl", PolicyName="all", PolicyDocument=json.dumps(ALL))
    keys = iam.create_access_key(UserName="carl")["AccessKey"]
    own = cloud.client("iam", key=keys["AccessKeyId"], secret=keys["SecretAccessKey"])
    change = {"OldPassword": "first-Pass1", "NewPassword": "second-Pass2"}
    refused(own.change_password, "NoSuchEntity", **change)
    iam.create_login_profile(UserName="carl", Password="first-Pass1", PasswordResetRequired=True)
    refused(own.change_password, "AccessDenied", **change | {"OldPassword": "other-Pass1"})
    refused(own.change_password, "PasswordPolicyViolation", **change | {"NewPassword": "short"})
    own.change_password(**change)
    assert own.get_login_profile()["LoginProfile"]["PasswordResetRequired"] is False
    refused(own.change_password, "AccessDenied", **change)
    iam.update_account_password_policy(PasswordReusePrevention=2)
    back = {"OldPassword": "second-Pass2", "NewPassword": "first-Pass1"}
    refused(own.change_password, "PasswordPolicyViolation", **back)
    iam.delete_account_password_policy()
    own.change_password(**back)


def test_signing_certificates(iam: Any) -> None:
    iam.create_user(UserName="dora")
    body, _ = certificate()
    refused(iam.upload_signing_certificate, "MalformedCertificate", UserName="dora", CertificateBody="none")
    words = refused(iam.upload_signing_certificate, "NoSuchEntity", UserName="nobody", CertificateBody=body)
    assert words == "The user with name nobody cannot be found."
    first = iam.upload_signing_certificate(UserName="dora", CertificateBody=body)["Certificate"]
    refused(iam.upload_signing_certificate, "DuplicateCertificate", UserName="dora", CertificateBody=body)
    iam.upload_signing_certificate(UserName="dora", CertificateBody=certificate()[0])
    third = {"UserName": "dora", "CertificateBody": certificate()[0]}
    words = refused(iam.upload_signing_certificate, "LimitExceeded", **third)
    assert words == "Cannot exceed quota for CertificatesPerUser: 2"
    named = {"UserName": "dora", "CertificateId": first["CertificateId"]}
    iam.update_signing_certificate(**named, Status="Inactive")
    listed = iam.list_signing_certificates(UserName="dora")["Certificates"]
    assert [each["Status"] for each in listed] == ["Inactive", "Active"]
    assert listed[0]["CertificateBody"] == body
    refused(iam.delete_user, "DeleteConflict", UserName="dora")
    iam.delete_signing_certificate(**named)
    words = refused(iam.update_signing_certificate, "NoSuchEntity", **named, Status="Active")
    assert words == f"The Certificate with id {first['CertificateId']} cannot be found."


def test_ssh_public_keys(iam: Any) -> None:
    iam.create_user(UserName="emil")
    public = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    body = public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    refused(iam.upload_ssh_public_key, "InvalidPublicKey", UserName="emil", SSHPublicKeyBody="ssh-rsa none")
    key = iam.upload_ssh_public_key(UserName="emil", SSHPublicKeyBody=body)["SSHPublicKey"]
    assert len(key["Fingerprint"]) == 47
    assert key["Status"] == "Active"
    refused(iam.upload_ssh_public_key, "DuplicateSSHPublicKey", UserName="emil", SSHPublicKeyBody=body)
    named = {"UserName": "emil", "SSHPublicKeyId": key["SSHPublicKeyId"]}
    pem = iam.get_ssh_public_key(**named, Encoding="PEM")["SSHPublicKey"]["SSHPublicKeyBody"]
    assert pem.startswith("-----BEGIN PUBLIC KEY-----")
    iam.update_ssh_public_key(**named, Status="Inactive")
    listed = iam.list_ssh_public_keys(UserName="emil")["SSHPublicKeys"]
    assert [each["Status"] for each in listed] == ["Inactive"]
    iam.delete_ssh_public_key(**named)
    words = refused(iam.delete_ssh_public_key, "NoSuchEntity", **named)
    assert words == f"The Public Key with id {key['SSHPublicKeyId']} cannot be found."


def test_credentials_for_one_service(iam: Any) -> None:
    iam.create_user(UserName="fay")
    wanted = {"UserName": "fay", "ServiceName": "codecommit.amazonaws.com"}
    made = iam.create_service_specific_credential(**wanted)["ServiceSpecificCredential"]
    assert made["ServiceUserName"] == "fay-at-000000000000"
    iam.create_service_specific_credential(**wanted)
    refused(iam.create_service_specific_credential, "LimitExceeded", **wanted)
    other = wanted | {"ServiceName": "other.amazonaws.com"}
    refused(iam.create_service_specific_credential, "NotSupportedService", **other)
    named = {"UserName": "fay", "ServiceSpecificCredentialId": made["ServiceSpecificCredentialId"]}
    again = iam.reset_service_specific_credential(**named)["ServiceSpecificCredential"]
    assert again["ServicePassword"] != made["ServicePassword"]
    iam.update_service_specific_credential(**named, Status="Inactive")
    listed = iam.list_service_specific_credentials(UserName="fay")["ServiceSpecificCredentials"]
    assert [each["Status"] for each in listed] == ["Inactive", "Active"]
    assert not any("ServicePassword" in each for each in listed)
    iam.delete_service_specific_credential(**named)
    refused(iam.delete_service_specific_credential, "NoSuchEntity", **named)


def test_server_certificates(iam: Any) -> None:
    body, private = certificate()
    given = {"ServerCertificateName": "site", "CertificateBody": body, "PrivateKey": private}
    words = refused(iam.get_server_certificate, "NoSuchEntity", ServerCertificateName="site")
    assert words == "The Server Certificate with name site cannot be found."
    refused(iam.upload_server_certificate, "KeyPairMismatch", **given | {"PrivateKey": certificate()[1]})
    refused(iam.upload_server_certificate, "MalformedCertificate", **given | {"CertificateBody": "none"})
    refused(iam.upload_server_certificate, "MalformedCertificate", **given | {"PrivateKey": "none"})
    made = iam.upload_server_certificate(**given, Path="/cloudfront/", Tags=[{"Key": "a", "Value": "b"}])
    metadata = made["ServerCertificateMetadata"]
    assert metadata["Arn"] == "arn:aws:iam::000000000000:server-certificate/cloudfront/site"
    refused(iam.upload_server_certificate, "EntityAlreadyExists", **given)
    iam.update_server_certificate(ServerCertificateName="site", NewServerCertificateName="new", NewPath="/")
    found = iam.get_server_certificate(ServerCertificateName="new")["ServerCertificate"]
    assert (found["CertificateBody"], found["Tags"]) == (body, [{"Key": "a", "Value": "b"}])
    assert private not in str(found)
    listed = iam.list_server_certificates()["ServerCertificateMetadataList"]
    assert [each["ServerCertificateName"] for each in listed] == ["new"]
    iam.delete_server_certificate(ServerCertificateName="new")
    refused(iam.delete_server_certificate, "NoSuchEntity", ServerCertificateName="new")


def test_the_credential_report_is_made_anew_after_four_hours(fresh_cloud: RunningCloud) -> None:
    iam = fresh_cloud.client("iam")
    refused(iam.get_credential_report, "ReportNotPresent")
    iam.create_user(UserName="gus")
    iam.create_access_key(UserName="gus")
    assert iam.generate_credential_report()["State"] == "STARTED"
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    report = iam.get_credential_report()
    assert report["ReportFormat"] == "text/csv"
    (line,) = csv.DictReader(report["Content"].decode().splitlines())
    assert line["user"] == "gus"
    active = (line["access_key_1_active"], line["access_key_2_active"], line["password_enabled"])
    assert active == ("true", "false", "false")
    iam.create_user(UserName="hal")
    assert iam.get_credential_report()["Content"] == report["Content"]
    fresh_cloud.admin("POST", "/_may/clock", {"advance": 4 * 3600 + 1})
    refused(iam.get_credential_report, "ReportExpired")
    assert iam.generate_credential_report()["State"] == "STARTED"
    assert b"hal" in iam.get_credential_report()["Content"]


def test_damaged_certificates_and_keys_are_refused(iam: Any) -> None:
    """Bytes of their beginnings changed in turn: versions, algorithms and lengths that there are none of."""
    iam.create_user(UserName="ida")
    body, private = certificate()
    refusals = {"MalformedCertificate", "KeyPairMismatch"}

    def damaged(pem: str, at: int) -> str:
        first, *lines, last = pem.strip().splitlines()
        raw = bytearray(base64.b64decode("".join(lines)))
        raw[at] ^= 0x55
        return "\n".join([first, base64.b64encode(raw).decode(), last])

    for at in range(0, 300, 3):
        with suppress(iam.exceptions.MalformedCertificateException):
            made = iam.upload_signing_certificate(UserName="ida", CertificateBody=damaged(body, at))
            identifier = made["Certificate"]["CertificateId"]
            iam.delete_signing_certificate(UserName="ida", CertificateId=identifier)
        given = {"CertificateBody": damaged(body, at), "PrivateKey": private}
        if at % 2:
            given = {"CertificateBody": body, "PrivateKey": damaged(private, at)}
        try:
            iam.upload_server_certificate(ServerCertificateName="damaged", **given)
        except ClientError as error:
            assert error.response["Error"]["Code"] in refusals  # noqa: PT017
        else:
            iam.delete_server_certificate(ServerCertificateName="damaged")
