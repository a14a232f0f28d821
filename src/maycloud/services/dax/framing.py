"""A connection's bytes cut into messages. They have no length in front: what is whole must be found out.

A connection begins with five items: ``"J7yne5G"``, the layering (0), a session, a map that names the client,
and the types (0). Each request after it is the service (1), a method and the method's arguments. Every byte
is looked at once, however it arrives, and nothing is allocated by what a length merely claims.
"""

from dataclasses import dataclass

from maycloud.services.dax.cbor import MalformedError, Reader

MAGIC = "J7yne5G"
SERVICE = 1

AUTHORIZE = 1489122155
GET_ITEM, PUT_ITEM, UPDATE_ITEM, DELETE_ITEM = 263244906, -2106490455, 1425579023, 1013539361
QUERY, SCAN = -931250863, -1875390620
BATCH_GET_ITEM, BATCH_WRITE_ITEM = -697851100, 116217951
TRANSACT_GET_ITEMS, TRANSACT_WRITE_ITEMS = 1866287579, -1160037738
ENDPOINTS, KEY_SCHEMA, ATTRIBUTES, ATTRIBUTES_ID = 455855874, -742646399, 670678385, -1230579644

# How many items each method's arguments are.
ARGUMENTS = {
    AUTHORIZE: 5,
    GET_ITEM: 3,
    PUT_ITEM: 4,
    UPDATE_ITEM: 3,
    DELETE_ITEM: 3,
    QUERY: 3,
    SCAN: 2,
    BATCH_GET_ITEM: 2,
    BATCH_WRITE_ITEM: 2,
    TRANSACT_GET_ITEMS: 4,
    TRANSACT_WRITE_ITEMS: 9,
    ENDPOINTS: 0,
    KEY_SCHEMA: 1,
    ATTRIBUTES: 1,
    ATTRIBUTES_ID: 1,
}

MAX_GREETING = 64 << 10  # bytes of a message before the caller is known
MAX_MESSAGE = 24 << 20  # BatchWriteItem takes 16 MB
_MAX_NESTED = 80
_MAX_ITEMS = 200_000  # of a message; the attributes of items are not among them, for they are in byte strings
_ENDLESS = -1


@dataclass(frozen=True, slots=True)
class Message:
    method: int
    arguments: bytes


class Framer:
    """Collects bytes, gives messages. Raises MalformedError for what can be none: then the stream is lost."""

    def __init__(self) -> None:
        self.limit = MAX_GREETING
        self._buffer = bytearray()
        self._at = 0  # up to here it was looked at
        self._open: list[int] = []  # members that the containers around this place still need
        self._seen = 0  # items of the message
        self._left = 5  # items that the part being read still needs
        self._begun = 0  # where the method's arguments begin
        self._method: int | None = None
        self._greeted = False

    @property
    def waiting(self) -> int:
        """Bytes that are no message yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next(self) -> Message | None:
        """The next whole message, None if more bytes are needed."""
        while self._complete():
            if not self._greeted:
                self._greet()
            elif self._method is None:
                self._begin()
            else:
                message = Message(self._method, bytes(self._buffer[self._begun : self._at]))
                self._forget(2)
                return message
        if len(self._buffer) > self.limit:
            raise MalformedError("the message is too long")
        return None

    def _greet(self) -> None:
        reader = Reader(self._buffer[: self._at])
        if reader.item() != MAGIC or reader.item() != 0:
            raise MalformedError("not a DAX client")
        self._greeted = True
        self._forget(2)

    def _begin(self) -> None:
        reader = Reader(self._buffer[: self._at])
        if reader.item() != SERVICE:
            raise MalformedError("an unknown service")
        method = reader.item()
        count = ARGUMENTS.get(method) if method.__class__ is int else None
        if count is None:
            raise MalformedError("an unknown method")
        self._method, self._begun, self._left = method, self._at, count

    def _forget(self, items: int) -> None:
        del self._buffer[: self._at]
        self._at = self._begun = self._seen = 0
        self._method = None
        self._left = items

    def _complete(self) -> bool:
        """Whether all items of this part are there."""
        buffer = self._buffer
        while self._left or self._open:
            if self._at >= len(buffer):
                return False
            first = buffer[self._at]
            if first == 0xFF:
                self._end_endless()
                continue
            low = first & 31
            size = 1 << (low - 24) if 24 <= low <= 27 else 0
            if 28 <= low <= 30:
                raise MalformedError("reserved length")
            if self._at + 1 + size > len(buffer):
                return False
            number = int.from_bytes(buffer[self._at + 1 : self._at + 1 + size], "big") if size else low
            if low == 31:
                number = _ENDLESS
            if not self._step(first >> 5, number, 1 + size):
                return False
        return True

    def _step(self, major: int, number: int, size: int) -> bool:
        """Past one item, or into it; False if its bytes are not all there."""
        if major in (2, 3) and number != _ENDLESS:
            if number > MAX_MESSAGE:
                raise MalformedError("the message is too long")
            if self._at + size + number > len(self._buffer):
                return False
            size += number
        self._at += size
        self._seen += 1
        if self._seen > _MAX_ITEMS:
            raise MalformedError("the message has too many parts")
        if major in (4, 5, 6) or (major in (2, 3) and number == _ENDLESS):
            if major == 6:
                number = 1
            elif major == 5 and number != _ENDLESS:
                number *= 2
            if len(self._open) >= _MAX_NESTED:
                raise MalformedError("nested too deeply")
            self._open.append(number)
            if number:
                return True
            self._open.pop()
        self._count()
        return True

    def _count(self) -> None:
        """One item is whole; so may be the containers that it was the last one of."""
        while self._open:
            if self._open[-1] == _ENDLESS:
                return
            self._open[-1] -= 1
            if self._open[-1]:
                return
            self._open.pop()
        self._left -= 1

    def _end_endless(self) -> None:
        if not self._open or self._open[-1] != _ENDLESS:
            raise MalformedError("an end of nothing")
        self._open.pop()
        self._at += 1
        self._count()
