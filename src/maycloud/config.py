"""Settings of one cloud, from the command line or a test."""

from dataclasses import dataclass, field
from pathlib import Path

from maycloud.store import Durability

DEFAULT_PORT = 4566
DEFAULT_DAX_PORT = 8111
DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Config:
    """`port` 0 chooses a free one; `public_host` is the name in URLs that the cloud hands out.

    `dax_port` is what the first DAX cluster listens on, 0 for any.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    region: str = DEFAULT_REGION
    durability: Durability = "process"
    admin_secret: str = field(default="test", repr=False)
    public_host: str = "localhost"
    smtp: tuple[str, int] | None = None  # a server that mails go out by
    dax_port: int = DEFAULT_DAX_PORT
