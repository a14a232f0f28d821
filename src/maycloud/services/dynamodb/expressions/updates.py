"""Update expressions: SET, REMOVE, ADD and DELETE on a copy of the item.

All operands are read from the item as it was; then all changes are made.
"""

from base64 import b64decode
from decimal import Context, Decimal
from typing import Any

import orjson

from maycloud.errors import AwsError, validation
from maycloud.services.dynamodb.expressions import binding
from maycloud.services.dynamodb.expressions.binding import SETS, Binder, check_overlaps
from maycloud.services.dynamodb.expressions.lexer import Names, Used, Values
from maycloud.services.dynamodb.expressions.parser import Path, Tree, parse_update
from maycloud.services.dynamodb.expressions.projections import Projection
from maycloud.services.dynamodb.values import Item, Value, number

_EXACT = Context(prec=400)  # wide enough for any sum of two numbers of 38 digits
_NAMES = {
    "S": "STRING", "N": "NUMBER", "B": "BINARY", "SS": "STRING_SET", "NS": "NUMBER_SET", "BS": "BINARY_SET",
    "L": "LIST", "M": "MAP", "BOOL": "BOOLEAN", "NULL": "NULL",
}  # fmt: skip


def _bad_path() -> AwsError:
    return validation("The document path provided in the update expression is invalid for update")


def _missing() -> AwsError:
    return validation("The provided expression refers to an attribute that does not exist in the item")


def _wrong_type() -> AwsError:
    return validation("An operand in the update expression has an incorrect data type")


def add_numbers(one: str, other: str, *, minus: bool = False) -> str:
    """Exact; refused where 38 digits or the range do not suffice."""
    right = Decimal(other)
    total = _EXACT.subtract(Decimal(one), right) if minus else _EXACT.add(Decimal(one), right)
    return number(format(total, "f"))


class Update:
    """An update bound to a request."""

    def __init__(self) -> None:
        self.sets: list[tuple[Path, Any]] = []
        self.removes: list[Path] = []
        self.adds: list[tuple[Path, Value]] = []
        self.deletes: list[tuple[Path, Value]] = []

    @property
    def paths(self) -> list[Path]:
        return [
            *(path for path, _ in self.sets), *self.removes, *(path for path, _ in self.adds),
            *(path for path, _ in self.deletes),
        ]  # fmt: skip

    def apply(self, item: Item) -> Item:
        """The changed item; the given one stays as it is. Raises ValidationException."""
        values = [(path, value(item)) for path, value in self.sets]
        new = dict(item)
        for top in {path[0] for path in self.paths if len(path) > 1}:
            if top in new:
                # Only what is changed within is copied.
                new[top] = orjson.loads(orjson.dumps(new[top]))  # type: ignore[index]
        for path, value in sorted(values, key=_by_index):
            _put(new, path, value)
        for path, value in self.adds:
            _add(new, item, path, value)
        for path, value in self.deletes:
            _delete(new, item, path, value)
        # Indexes mean places in the list as it was: the last goes first.
        for path in sorted(self.removes, key=_index_of, reverse=True):
            _remove(new, path)
        return new

    def pick(self, item: Item) -> Item:
        """The updated attributes, for UPDATED_OLD and UPDATED_NEW."""
        return Projection(self.paths)(item)


def _index_of(path: Path) -> tuple[int, ...]:
    return tuple(each if isinstance(each, int) else 0 for each in path)


def _by_index(pair: tuple[Path, Any]) -> tuple[int, ...]:
    return _index_of(pair[0])


def _holder(item: Item, path: Path) -> Any:
    """The map or list that a path's last element is in; None where the way there does not exist."""
    if len(path) == 1:
        return item
    value = binding.read(path[:-1], item)
    if value is None:
        return None
    return value.get("L") if isinstance(path[-1], int) else value.get("M")


def _put(item: Item, path: Path, value: Value) -> None:
    holder = _holder(item, path)
    if holder is None:
        raise _bad_path()
    last = path[-1]
    if isinstance(last, int) and last >= len(holder):
        holder.append(value)
    else:
        holder[last] = value


def _remove(item: Item, path: Path) -> None:
    holder = _holder(item, path)
    if holder is None:
        if binding.read(path[:-1], item) is None and len(path) == 2:
            raise _bad_path()
        raise _bad_path()
    last = path[-1]
    if isinstance(last, int):
        if last < len(holder):
            del holder[last]
    else:
        holder.pop(last, None)


def _add(new: Item, old: Item, path: Path, value: Value) -> None:
    """Add to a number or a set; what is not there begins as the value."""
    current = binding.read(path, old)
    ((kind, content),) = value.items()
    if current is None:
        _put(new, path, value)
        return
    if kind not in current:
        raise _wrong_type()
    if kind == "N":
        _put(new, path, {"N": add_numbers(current["N"], content)})
        return
    present = _members(kind, current[kind])
    more = [each for each in content if _member(kind, each) not in present]
    _put(new, path, {kind: [*current[kind], *more]})


def _delete(new: Item, old: Item, path: Path, value: Value) -> None:
    """Take elements out of a set; an empty one is no set and goes."""
    current = binding.read(path, old)
    if current is None:
        return
    ((kind, content),) = value.items()
    if kind not in current:
        raise _wrong_type()
    gone = _members(kind, content)
    left = [each for each in current[kind] if _member(kind, each) not in gone]
    if left:
        _put(new, path, {kind: left})
    else:
        _remove(new, path)


def _member(kind: str, content: str) -> Any:
    return b64decode(content) if kind == "BS" else content


def _members(kind: str, contents: list[str]) -> set[Any]:
    return {_member(kind, each) for each in contents}


class _Compiler:
    def __init__(self, binder: Binder) -> None:
        self._binder = binder

    def value(self, tree: Tree) -> Any:
        """A function from the old item to a value. Missing attributes raise."""
        kind = tree[0]
        if kind == "value":
            constant = self._binder.value(tree[1])
            return lambda _item: constant
        if kind == "path":
            path = self._binder.path(tree[1])

            def read(item: Item) -> Value:
                found = binding.read(path, item)
                if found is None:
                    raise _missing()
                return found

            return read
        if kind == "arithmetic":
            return self._arithmetic(tree)
        return self._if_not_exists(tree) if tree[1] == "if_not_exists" else self._list_append(tree)

    def _check_type(self, operator: str, tree: Tree, wanted: str) -> None:
        if tree[0] == "value":
            found = binding.kind_of(self._binder.value(tree[1]))
            if found != wanted:
                raise self._binder.refuse(
                    "Incorrect operand type for operator or function; operator or function:"
                    f" {operator}, operand type: {found}"
                )

    def _arithmetic(self, tree: Tree) -> Any:
        _, operator, left_tree, right_tree = tree
        for each in (left_tree, right_tree):
            self._check_type(operator, each, "N")
        left, right = self.value(left_tree), self.value(right_tree)

        def total(item: Item) -> Value:
            one, other = left(item), right(item)
            if "N" not in one or "N" not in other:
                raise _wrong_type()
            return {"N": add_numbers(one["N"], other["N"], minus=operator == "-")}

        return total

    def _if_not_exists(self, tree: Tree) -> Any:
        first, second = tree[2]
        if first[0] != "path":
            raise self._binder.refuse(
                "Operator or function requires a document path; operator or function: if_not_exists"
            )
        path, default = self._binder.path(first[1]), self.value(second)

        def choose(item: Item) -> Value:
            found = binding.read(path, item)
            return default(item) if found is None else found

        return choose

    def _list_append(self, tree: Tree) -> Any:
        for each in tree[2]:
            self._check_type("list_append", each, "L")
        first, second = (self.value(each) for each in tree[2])

        def append(item: Item) -> Value:
            one, other = first(item), second(item)
            if "L" not in one or "L" not in other:
                raise _wrong_type()
            return {"L": [*one["L"], *other["L"]]}

        return append

    def operand(self, section: str, tree: Tree) -> Value:
        """The value of an ADD or DELETE clause."""
        if tree[0] != "value":
            raise self._binder.refuse(f'Syntax error; token: "{section}", near: "{section}"')
        value = self._binder.value(tree[1])
        kind = binding.kind_of(value)
        if kind not in SETS and not (section == "ADD" and kind == "N"):
            raise self._binder.refuse(
                f"Incorrect operand type for operator or function; operator: {section}, operand type:"
                f" {_NAMES[kind]}"
            )
        return value


def compile_update(text: str, names: Names, values: Values, used: Used) -> Update:
    """The update of an UpdateExpression. Raises ValidationException."""
    kind = "UpdateExpression"
    binder = Binder(kind, names, values, used)
    compiler = _Compiler(binder)
    update = Update()
    for section, clauses in parse_update(text).items():
        for clause in clauses:
            path = binder.path(clause[0])
            if section == "SET":
                update.sets.append((path, compiler.value(clause[1])))
            elif section == "REMOVE":
                update.removes.append(path)
            else:
                target = update.adds if section == "ADD" else update.deletes
                target.append((path, compiler.operand(section, clause[1])))
    check_overlaps(kind, update.paths)
    return update
