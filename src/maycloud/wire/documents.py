"""What S3 asks of the XML document in a request's body; all else it words by itself."""

from collections.abc import Callable
from typing import Any

from maycloud.errors import AwsError
from maycloud.wire.models import Model, Shape


def check_of(model: Model, operation: str) -> Callable[[dict[str, Any]], None] | None:
    """A function that raises where the document of an operation lacks what its schema requires.

    https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html: MalformedXML,
    MissingRequestBodyError.
    """
    shape = model.input(operation)
    payload = shape.get("payload")
    if payload is None or model.member(shape["members"][payload])["type"] != "structure":
        return None
    reference = shape["members"][payload]
    needed = payload in shape.get("required", []) and bool(model.member(reference).get("required"))

    def run(params: dict[str, Any]) -> None:
        document = params.get(payload)
        if document is None:
            if needed:
                raise AwsError("MissingRequestBodyError", "Request Body is empty")
        elif not _is_whole(model, reference, document):
            raise AwsError(
                "MalformedXML",
                "The XML you provided was not well-formed or did not validate against our published schema",
            )

    return run


def _is_whole(model: Model, reference: Shape, value: Any) -> bool:
    """Whether all that is required is there, at any depth; a flat list that is required becomes one."""
    shape = model.member(reference)
    if shape["type"] == "list":
        return all(_is_whole(model, shape["member"], each) for each in value)
    if shape["type"] != "structure":
        return True
    members: dict[str, Shape] = shape.get("members", {})
    for name in shape.get("required", ()):
        if value.get(name) is None:
            if not model.member(members[name]).get("flattened"):
                return False
            value[name] = []  # XML has no way to say that such a list is there and empty
    return all(_is_whole(model, members[name], each) for name, each in value.items() if each is not None)
