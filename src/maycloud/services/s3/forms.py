"""multipart/form-data as it arrives: the fields before the file, then the file piece by piece.

RFC 7578 and RFC 2046. S3 reads fields up to the part named ``file`` and ignores what comes after it; the
bytes before the file are bounded, so that a form holds no more memory than that however long its file is.
"""

import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from dataclasses import dataclass

from maycloud.errors import AwsError

MAX_FIELDS = 20_480  # bytes of everything before the file

_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
_PARAMETER = re.compile(rb';\s*([a-zA-Z*]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))')


@dataclass(frozen=True, slots=True)
class Field:
    """A field before the file, its name as sent."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class File:
    """The head of the file's part; `name` is the file's own, without folders, None where it has none."""

    name: str | None
    content_type: str | None


@dataclass(frozen=True, slots=True)
class Data:
    """A piece of the file."""

    data: bytes


Event = Field | File | Data


def boundary_of(content_type: str) -> bytes:
    """The delimiter that a Content-Type names. Raises what S3 says of other content."""
    if not content_type.lower().startswith("multipart/form-data"):
        raise AwsError(
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
            412,
            Condition="Bucket POST must be of the enclosure-type multipart/form-data",
        )
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise malformed()
    return (found[1] or found[2]).encode("latin-1", "replace")


def malformed() -> AwsError:
    return AwsError(
        "MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data."
    )


class Parser:
    """Takes bytes in pieces of any size and gives events; `ended` once the file is whole."""

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        self._buffer = bytearray(b"\r\n")  # so that the first delimiter looks like the others
        self._state: Callable[[], Event | bool | None] = self._preamble
        self._name = ""
        self._before = 0  # bytes before the file that have been taken
        self.ended = False

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events that `data` completes. Raises MalformedPOSTRequest and MaxPostPreDataLengthExceeded."""
        if self.ended:
            return  # fields after the file are ignored
        self._buffer += data
        while not self.ended:
            event = self._state()
            if event is None:
                break
            if isinstance(event, Field | File | Data):
                yield event
        if self._state != self._content and self._before + len(self._buffer) > MAX_FIELDS and not self.ended:
            raise _too_long()

    # States: each takes what it can off the buffer; None says that more bytes are needed

    def _preamble(self) -> Event | bool | None:
        at = self._buffer.find(self._delimiter)
        if at < 0:
            return None
        self._take(at + len(self._delimiter))
        self._state = self._delimited
        return True

    def _delimited(self) -> Event | bool | None:
        """After a delimiter: white space and a line's end, or two dashes for the form's end."""
        if len(self._buffer) < 2:
            return None
        if self._buffer.startswith(b"--"):
            self._finish()
            return True
        end = self._buffer.find(b"\r\n")
        line = self._buffer if end < 0 else self._buffer[:end]
        if line.strip(b" \t\r"):
            raise malformed()
        if end < 0:
            return None
        self._take(end)  # the line's end stays, so that a part without headers ends like one with some
        self._state = self._headers
        return True

    def _headers(self) -> Event | bool | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = bytes(self._buffer[2:end]) if end else b""
        self._take(end + 4)
        name, filename, content_type = _part(head)
        if name.lower() == "file":
            if self._before > MAX_FIELDS:
                raise _too_long()
            self._state = self._content
            return File(filename, content_type)
        self._name = name
        self._state = self._value
        return True

    def _value(self) -> Event | bool | None:
        at = self._buffer.find(self._delimiter)
        if at < 0:
            return None
        value = bytes(self._buffer[:at])
        self._take(at + len(self._delimiter))
        if self._before > MAX_FIELDS:
            raise _too_long()
        self._state = self._delimited
        try:
            return Field(self._name, value.decode())
        except UnicodeDecodeError as error:
            raise malformed() from error

    def _content(self) -> Event | bool | None:
        at = self._buffer.find(self._delimiter)
        if at >= 0:
            piece = bytes(self._buffer[:at])
            self._finish()
            return Data(piece)
        keep = len(self._delimiter) - 1
        if len(self._buffer) <= keep:
            return None
        piece = bytes(self._buffer[:-keep])
        del self._buffer[:-keep]
        return Data(piece)

    def _take(self, size: int) -> None:
        del self._buffer[:size]
        self._before += size

    def _finish(self) -> None:
        self._buffer.clear()
        self.ended = True


def _too_long() -> AwsError:
    return AwsError(
        "MaxPostPreDataLengthExceeded",
        "Your POST request fields preceeding the upload file was too large.",
        MaxPostPreDataLengthBytes=MAX_FIELDS,
    )


def _part(head: bytes) -> tuple[str, str | None, str | None]:
    """Name, file name and content type of a part. Raises MalformedPOSTRequest without a name."""
    name: str | None = None
    filename: str | None = None
    content_type: str | None = None
    for line in head.split(b"\r\n"):
        header, colon, value = line.partition(b":")
        if not colon:
            raise malformed()
        title = header.strip().lower()
        if title == b"content-type":
            content_type = value.strip().decode("latin-1")
        elif title == b"content-disposition" and value.strip().lower().startswith(b"form-data"):
            parameters = {
                match[1].lower(): match[2] if match[2] is not None else match[3]
                for match in _PARAMETER.finditer(value)
            }
            name = _text(parameters.get(b"name"))
            filename = _text(parameters.get(b"filename"))
    if name is None:
        raise malformed()
    if filename is not None:
        filename = re.split(r"[/\\]", filename)[-1]
    return name, filename, content_type


def _text(value: bytes | None) -> str | None:
    """A parameter's text: browsers write quotes as %22, others behind a backslash; paths keep theirs."""
    if value is None:
        return None
    try:
        return re.sub(r'\\(["])', r"\1", value.decode()).replace("%22", '"')
    except UnicodeDecodeError as error:
        raise malformed() from error


class Form:
    """A form read from a request's body: `fields` first, then the file by iterating."""

    length: int | None = None  # of the file, which is known at its end only

    def __init__(self, body: "bytes | AsyncIterable[bytes]", boundary: bytes) -> None:
        self._parser = Parser(boundary)
        self._chunks = _once(body) if isinstance(body, bytes) else body
        self._events = self._read()
        self.fields: list[Field] = []
        self.file: File | None = None

    async def read_fields(self) -> None:
        """Up to the file's head. Raises InvalidArgument where there is no file."""
        async for event in self._events:
            if isinstance(event, File):
                self.file = event
                return
            if isinstance(event, Field):
                self.fields.append(event)
        raise AwsError(
            "InvalidArgument",
            "POST requires exactly one file upload per request.",
            ArgumentName="file",
            ArgumentValue=0,
        )

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for event in self._events:
            if isinstance(event, Data) and event.data:
                yield event.data

    async def _read(self) -> AsyncIterator[Event]:
        async for chunk in self._chunks:
            for event in self._parser.feed(chunk):
                yield event
        if not self._parser.ended:
            raise malformed()  # cut short: nothing of it is kept


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
