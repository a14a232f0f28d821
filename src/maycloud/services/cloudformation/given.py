"""Properties as providers get them, and the errors of AWS's validation by schema."""

from collections.abc import Iterable
from typing import Any

from maycloud.errors import AwsError

Props = dict[str, Any]


def invalid(logical_id: str, path: str, problem: str) -> AwsError:
    return AwsError(
        "ValidationError",
        f"Properties validation failed for resource {logical_id} with message: [{path}: {problem}]",
    )


class Given(dict[str, Any]):
    """Properties that say which of them was asked for in vain, as AWS's validation by schema would."""

    def __init__(self, logical_id: str, value: Props, path: str = "#") -> None:
        super().__init__({name: _given(logical_id, item, f"{path}/{name}") for name, item in value.items()})
        self._where = logical_id, path

    def __missing__(self, name: str) -> Any:
        raise invalid(*self._where, f"required key [{name}] not found")

    def require(self, names: Iterable[str]) -> None:
        """Raise for the first of these members that is not there."""
        for name in names:
            _ = self[name]

    def check(self, allowed: Iterable[str]) -> None:
        """Raise for members that these are not."""
        for name in sorted(self.keys() - set(allowed)):
            raise invalid(*self._where, f"extraneous key [{name}] is not permitted")


def _given(logical_id: str, value: Any, path: str) -> Any:
    if isinstance(value, dict):
        return Given(logical_id, value, path)
    if isinstance(value, list):
        return [_given(logical_id, item, f"{path}/{index}") for index, item in enumerate(value)]
    return value
