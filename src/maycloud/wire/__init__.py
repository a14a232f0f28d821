"""AWS's wire protocols, compiled per operation from the models that botocore ships."""

from maycloud.wire.bound import Bound, WireError
from maycloud.wire.registry import Registry

__all__ = ["Bound", "Registry", "WireError"]
