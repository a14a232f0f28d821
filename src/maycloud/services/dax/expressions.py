"""DAX clients parse expressions and send trees of numbered functions: here they become text again.

A tree is a CBOR array ``[format, tree, values]`` (projections: ``[format, paths]``), a function ``[number,
arguments…]``. Names and values get placeholders of ours, unique over all expressions of one request; the
text goes to DynamoDB, which checks and runs it.
"""

from typing import Any

from maycloud.services.dax.cbor import MalformedError, Ordinal, Reader, Value, as_value, wanted

Path = tuple[str | int, ...]

FORMAT = 1
_MAX_DEPTH = 420  # DynamoDB refuses more than 300 operators in its own words

_COMPARATORS = ("=", "<>", "<", ">=", ">", "<=")
_AND, _OR, _NOT, _BETWEEN, _IN, _VARIABLE, _PATH = 6, 7, 8, 9, 10, 17, 18
_FUNCTIONS = {
    11: "attribute_exists",
    12: "attribute_not_exists",
    13: "attribute_type",
    14: "begins_with",
    15: "contains",
    16: "size",
    23: "if_not_exists",
    24: "list_append",
}
_ACTIONS = {19: "SET", 20: "ADD", 21: "DELETE", 22: "REMOVE"}
_ARITHMETIC = {25: "+", 26: "-"}
_BINDS = {_OR: 1, _AND: 2}


class Expressions:
    """The expressions of one request, and the names and values that they use."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}  # attribute by placeholder
        self.values: dict[str, Value] = {}
        self._placeholders: dict[str, str] = {}  # the other way round
        self._first = 0  # placeholder of the current expression's first value

    def parameters(self) -> dict[str, Any]:
        """ExpressionAttributeNames and -Values of a DynamoDB request."""
        found: dict[str, Any] = {}
        if self.names:
            found["ExpressionAttributeNames"] = self.names
        if self.values:
            found["ExpressionAttributeValues"] = self.values
        return found

    def condition(self, data: Any) -> str:
        """A condition, filter or key condition."""
        return self._test(self._open(data), 0)

    def update(self, data: Any) -> str:
        sections: dict[str, list[str]] = {}
        for action in wanted(self._open(data), list):
            number, *arguments = _function(action)
            section = _ACTIONS.get(number)
            if section is None or len(arguments) != (1 if section == "REMOVE" else 2):
                raise MalformedError("not an update's action")
            path = self._operand(arguments[0])
            between = " = " if section == "SET" else " "
            text = path if len(arguments) == 1 else path + between + self._operand(arguments[1])
            sections.setdefault(section, []).append(text)
        return " ".join(f"{section} {', '.join(texts)}" for section, texts in sections.items())

    def projection(self, data: Any) -> list[Path]:
        """The paths in the order of the expression: answers number them so."""
        parts = wanted(Reader(wanted(data, bytes), _MAX_DEPTH).item(), list)
        if len(parts) != 2 or parts[0] != FORMAT:
            raise MalformedError("not a projection")
        paths = [_path(each) for each in wanted(parts[1], list)]
        if not paths:
            raise MalformedError("an empty projection")
        return paths

    def top_level(self, paths: list[Path]) -> str:
        """A projection of the whole attributes that some paths lead into."""
        return ", ".join(self._name(str(name)) for name in dict.fromkeys(path[0] for path in paths))

    def _open(self, data: Any) -> Any:
        parts = wanted(Reader(wanted(data, bytes), _MAX_DEPTH).item(), list)
        if len(parts) != 3 or parts[0] != FORMAT:
            raise MalformedError("not an expression")
        self._first = len(self.values)
        for each in wanted(parts[2], list):
            self.values[f":{len(self.values)}"] = as_value(each)
        return parts[1]

    def _test(self, node: Any, binds: int) -> str:
        number, *arguments = _function(node)
        if number in _BINDS:
            own = _BINDS[number]
            words = " AND " if number == _AND else " OR "
            left, right = _only(arguments, 2)
            text = self._test(left, own) + words + self._test(right, own)
            return f"({text})" if own < binds else text
        if number == _NOT:
            return "NOT " + self._test(_only(arguments, 1)[0], 3)
        if 0 <= number < len(_COMPARATORS):
            left, right = _only(arguments, 2)
            return f"{self._operand(left)} {_COMPARATORS[number]} {self._operand(right)}"
        if number == _BETWEEN:
            tested, low, high = map(self._operand, _only(arguments, 3))
            return f"{tested} BETWEEN {low} AND {high}"
        if number == _IN:
            tested, options = _only(arguments, 2)
            listed = ", ".join(map(self._operand, wanted(options, list)))
            return f"{self._operand(tested)} IN ({listed})"
        return self._operand(node)

    def _operand(self, node: Any) -> str:
        number, *arguments = _function(node)
        if number == _VARIABLE:
            placeholder = f":{self._first + wanted(_only(arguments, 1)[0], int)}"
            if placeholder not in self.values:
                raise MalformedError("a value that is not there")
            return placeholder
        if number == _PATH:
            return self._shown(_path(node))
        if number in _ARITHMETIC:
            left, right = map(self._operand, _only(arguments, 2))
            return f"{left} {_ARITHMETIC[number]} {right}"
        name = _FUNCTIONS.get(number)
        if name is None:
            raise MalformedError(f"function {number}")
        return f"{name}({', '.join(map(self._operand, arguments))})"

    def _shown(self, path: Path) -> str:
        text = self._name(str(path[0]))
        for element in path[1:]:
            text += f"[{element}]" if isinstance(element, int) else f".{self._name(element)}"
        return text

    def _name(self, attribute: str) -> str:
        placeholder = self._placeholders.get(attribute)
        if placeholder is None:
            placeholder = self._placeholders[attribute] = f"#{len(self.names)}"
            self.names[placeholder] = attribute
        return placeholder


def _function(node: Any) -> list[Any]:
    if not wanted(node, list):
        raise MalformedError("a function without a number")
    wanted(node[0], int)
    return node


def _only(arguments: list[Any], count: int) -> list[Any]:
    if len(arguments) != count:
        raise MalformedError("a function with too few or too many arguments")
    return arguments


def _path(node: Any) -> Path:
    number, *elements = _function(node)
    if number != _PATH or not elements:
        raise MalformedError("not a document path")
    found: list[str | int] = []
    for element in elements:
        if isinstance(element, Ordinal) and element.index >= 0 and found:
            found.append(element.index)
        else:
            found.append(wanted(element, str))
    return tuple(found)
