"""The one error type that operations raise; the wire layer words it for each protocol."""

from typing import Any


class AwsError(Exception):
    """An error as AWS answers it.

    `code` is the error's name on the wire (``ResourceNotFoundException``), `message` AWS's own
    sentence, `status` the HTTP status. Further keyword arguments are the members of the error's
    modelled shape (``CancellationReasons=[...]``) and are encoded like any output member.
    """

    def __init__(self, code: str, message: str = "", status: int = 400, **members: Any) -> None:
        if not message.isascii():  # half a character, told back to whoever sent it, could not be encoded
            message = message.encode("utf-8", "replace").decode()
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def validation(message: str) -> AwsError:
    """The ``ValidationException`` that most JSON services share."""
    return AwsError("ValidationException", message)
