"""What a client may ask of the edge."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a client may ask of a connection; sizes in bytes, times in seconds."""

    head: int = 64 * 1024  # of a request's line and headers, and of the trailers after a body
    headers: int = 200
    buffered: int = 1 << 20  # bodies up to this size are handed over whole
    pipelined: int = 32
    head_time: float = 30.0  # from a head's first byte to its last
    body_time: float = 30.0  # without a byte
    write_time: float = 30.0  # without the client taking a byte of its answer
    idle_time: float = 75.0
    linger_time: float = 2.0  # reading on after the last answer, so that closing does not destroy it
    connections: int = 10_000

    @property
    def sweep(self) -> float:
        """How often to look for slow clients."""
        times = (self.head_time, self.body_time, self.write_time, self.idle_time, self.linger_time)
        return min(1.0, min(times) / 4)
