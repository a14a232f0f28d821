"""Identity providers of an account: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers.html"""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from running import RunningCloud

METADATA = (
    '<?xml version="1.0"?><md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"'
    ' entityID="https://idp.example.com" validUntil="2040-01-02T03:04:05Z"><md:IDPSSODescriptor'
    f' protocolSupportEnumeration="p"><!--{"x" * 1000}--></md:IDPSSODescriptor></md:EntityDescriptor>'
)


@pytest.fixture(scope="module")
def iam(cloud: RunningCloud) -> Any:
    return cloud.client("iam")


def refused(call: Any, code: str, /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


def test_openid_connect_providers(iam: Any) -> None:
    url = "https://token.example.com/tenant"
    made = iam.create_open_id_connect_provider(
        Url=url, ClientIDList=["one"], ThumbprintList=["a" * 40], Tags=[{"Key": "k", "Value": "v"}]
    )
    arn = made["OpenIDConnectProviderArn"]
    assert arn == "arn:aws:iam::000000000000:oidc-provider/token.example.com/tenant"
    words = refused(iam.create_open_id_connect_provider, "EntityAlreadyExists", Url=url)
    assert words == f"Provider with url {url} already exists."
    named = {"OpenIDConnectProviderArn": arn}
    for _ in range(2):  # neither twice is an error
        iam.add_client_id_to_open_id_connect_provider(**named, ClientID="two")
    for _ in range(2):
        iam.remove_client_id_from_open_id_connect_provider(**named, ClientID="one")
    iam.update_open_id_connect_provider_thumbprint(**named, ThumbprintList=["b" * 40])
    iam.tag_open_id_connect_provider(**named, Tags=[{"Key": "l", "Value": "w"}])
    iam.untag_open_id_connect_provider(**named, TagKeys=["k"])
    told = iam.get_open_id_connect_provider(**named)
    assert told["Url"] == "token.example.com/tenant"
    assert (told["ClientIDList"], told["ThumbprintList"]) == (["two"], ["b" * 40])
    assert told["Tags"] == iam.list_open_id_connect_provider_tags(**named)["Tags"]
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == [{"Arn": arn}]
    assert iam.get_account_summary()["SummaryMap"]["Providers"] == 1
    for _ in range(2):
        iam.delete_open_id_connect_provider(**named)
    words = refused(iam.get_open_id_connect_provider, "NoSuchEntity", **named)
    assert words == f"OpenIDConnect Provider not found for arn {arn}"


def test_openid_connect_providers_that_are_refused(iam: Any) -> None:
    create = iam.create_open_id_connect_provider
    for url in (
        "token.example.com", "http://token.example.com", "https://", "https://[", "https://a b",
        "https://name:word@token.example.com", "https://token.example.com/#fragment",
    ):  # fmt: skip
        assert refused(create, "ValidationError", Url=url) == "Invalid Open ID Connect Provider URL"
    many = [f"{number:040}" for number in range(6)]
    words = refused(create, "InvalidInput", Url="https://a.example.com", ThumbprintList=many)
    assert words == "Thumbprint list must contain fewer than 5 entries."
    clients = [str(number) for number in range(101)]
    words = refused(create, "LimitExceeded", Url="https://a.example.com", ClientIDList=clients)
    assert words == "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100"


def test_saml_providers(iam: Any) -> None:
    arn = iam.create_saml_provider(Name="idp", SAMLMetadataDocument=METADATA)["SAMLProviderArn"]
    assert arn == "arn:aws:iam::000000000000:saml-provider/idp"
    refused(iam.create_saml_provider, "EntityAlreadyExists", Name="idp", SAMLMetadataDocument=METADATA)
    told = iam.get_saml_provider(SAMLProviderArn=arn)
    assert told["SAMLMetadataDocument"] == METADATA
    assert told["ValidUntil"] == datetime(2040, 1, 2, 3, 4, 5, tzinfo=UTC)
    later = METADATA.replace("2040", "2041")
    iam.update_saml_provider(SAMLProviderArn=arn, SAMLMetadataDocument=later)
    (listed,) = iam.list_saml_providers()["SAMLProviderList"]
    assert (listed["Arn"], listed["ValidUntil"].year) == (arn, 2041)
    iam.tag_saml_provider(SAMLProviderArn=arn, Tags=[{"Key": "k", "Value": "v"}])
    assert iam.list_saml_provider_tags(SAMLProviderArn=arn)["Tags"] == [{"Key": "k", "Value": "v"}]
    iam.untag_saml_provider(SAMLProviderArn=arn, TagKeys=["k"])
    iam.delete_saml_provider(SAMLProviderArn=arn)
    words = refused(iam.get_saml_provider, "NoSuchEntity", SAMLProviderArn=arn)
    assert words == f"Manifest not found for arn {arn}"


@pytest.mark.parametrize(
    "metadata",
    [
        "x" * 1000,
        METADATA.replace("EntityDescriptor", "Other"),
        METADATA.replace("IDPSSODescriptor", "Other"),
        METADATA.replace("2040-01-02T03:04:05Z", "some day"),
        METADATA.replace("2040-01-02T03:04:05Z", "99999-01-02T03:04:05Z"),
        METADATA.replace('<?xml version="1.0"?>', '<!DOCTYPE d [<!ENTITY e "e">]>'),
    ],
)
def test_metadata_that_describes_no_provider(iam: Any, metadata: str) -> None:
    words = refused(iam.create_saml_provider, "InvalidInput", Name="bad", SAMLMetadataDocument=metadata)
    assert words == "Could not parse metadata"
