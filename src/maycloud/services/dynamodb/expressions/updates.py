"""Update expressions: SET, REMOVE, ADD and DELETE on a copy of the item.

All operands are read from the item as it was; then all changes are made.
"""

from collections.abc import Callable
from decimal import Context, Decimal
from itertools import pairwise
from typing import Any

from maycloud.errors import validation
from maycloud.services.dynamodb.expressions import binding
from maycloud.services.dynamodb.expressions.binding import SETS, Binder, check_overlaps, member, members
from maycloud.services.dynamodb.expressions.lexer import Names, Used, Values
from maycloud.services.dynamodb.expressions.parser import UPDATE, Path, Tree, parse_update
from maycloud.services.dynamodb.expressions.projections import Projection
from maycloud.services.dynamodb.values import Item, Value, number

_EXACT = Context(prec=400)  # wide enough for any sum of two numbers of 38 digits
_NAMES = {
    "S": "STRING", "N": "NUMBER", "B": "BINARY", "SS": "STRING_SET", "NS": "NUMBER_SET", "BS": "BINARY_SET",
    "L": "LIST", "M": "MAP", "BOOL": "BOOLEAN", "NULL": "NULL",
}  # fmt: skip


_MISSING = "The provided expression refers to an attribute that does not exist in the item"
_WRONG_TYPE = "An operand in the update expression has an incorrect data type"

Compute = Callable[[Item], Value]  # from the item as it was


def add_numbers(one: str, other: str, *, minus: bool = False) -> str:
    """Exact; refused where 38 digits or the range do not suffice."""
    if not minus and one.isdecimal() and other.isdecimal() and len(one) < 38 > len(other):
        return str(int(one) + int(other))
    right = Decimal(other)
    total = _EXACT.subtract(Decimal(one), right) if minus else _EXACT.add(Decimal(one), right)
    if len(total.normalize(_EXACT).as_tuple().digits) > 38:
        # So AWS says of a lack of digits too.
        raise validation(
            "Number overflow. Attempting to store a number with magnitude larger than supported range"
        )
    return number(format(total, "f"))


class Update:
    """An update bound to a request. `mismatch` is what is said of an operand of the wrong type.

    `kinds` has the types that attributes get whatever the item is; `reads` the paths of operands.
    """

    __slots__ = ("adds", "deletes", "kinds", "mismatch", "reads", "removes", "sets")

    def __init__(self, mismatch: str = _WRONG_TYPE) -> None:
        self.sets: list[tuple[Path, Compute]] = []
        self.removes: list[Path] = []
        self.adds: list[tuple[Path, Value]] = []
        self.deletes: list[tuple[Path, Value]] = []
        self.mismatch = mismatch
        self.kinds: dict[str, str] = {}
        self.reads: list[Path] = []

    @property
    def makes(self) -> bool:
        """Whether it makes an item that is not there: one that only takes away does not."""
        return bool(self.sets or self.adds) or not (self.removes or self.deletes)

    @property
    def paths(self) -> list[Path]:
        return [
            *(path for path, _ in self.sets), *self.removes, *(path for path, _ in self.adds),
            *(path for path, _ in self.deletes),
        ]  # fmt: skip

    def apply(self, item: Item) -> Item:
        """The changed item; the given one stays as it is. Raises ValidationException."""
        puts = [(path, value(item)) for path, value in self.sets]
        puts += [(path, self._added(binding.read(path, item), value)) for path, value in self.adds]
        removes = [*self.removes]
        draft = _Draft(item)
        for path, value in self.deletes:
            current = binding.read(path, item)
            if current is None:
                draft.holder(path)
                continue
            left = self._left(current, value)
            if left is None:
                removes.append(path)
            else:
                puts.append((path, left))
        # What is set beyond the end of a list is appended in order of the indexes.
        puts.sort(key=_by_index)
        for path, value in puts:
            draft.put(path, value)
        # Indexes mean places in the list as it was: the last goes first.
        removes.sort(key=_index_of, reverse=True)
        for path in removes:
            draft.remove(path)
        return draft.item

    def _added(self, current: Value | None, value: Value) -> Value:
        """A number or set added to; what is not there begins as the value."""
        if current is None:
            return value
        ((kind, content),) = value.items()
        if kind not in current:
            raise validation(self.mismatch)
        if kind == "N":
            return {"N": add_numbers(current["N"], content)}
        present = members(kind, current[kind])
        return {kind: [*current[kind], *(each for each in content if member(kind, each) not in present)]}

    def _left(self, current: Value, value: Value) -> Value | None:
        """A set without some elements; an empty one is no set."""
        ((kind, content),) = value.items()
        if kind not in current:
            raise validation(self.mismatch)
        gone = members(kind, content)
        left = [each for each in current[kind] if member(kind, each) not in gone]
        return {kind: left} if left else None

    def pick(self, item: Item) -> Item:
        """The updated attributes, for UPDATED_OLD and UPDATED_NEW."""
        return Projection(self.paths)(item)


def _index_of(path: Path) -> tuple[int, ...]:
    return tuple(each if isinstance(each, int) else 0 for each in path)


def _by_index(pair: tuple[Path, Value]) -> tuple[int, ...]:
    return _index_of(pair[0])


class _Draft:
    """A copy of an item, as deep as it is changed."""

    __slots__ = ("_own", "item")

    def __init__(self, item: Item) -> None:
        self.item = dict(item)
        self._own: dict[int, Any] = {}  # copied maps and lists by id; held, so that no id comes again

    def holder(self, path: Path) -> Any:
        """The map or list that a path's last element is in. Raises where the way there does not exist."""
        holder: Any = self.item
        for element, following in pairwise(path):
            if isinstance(element, int):
                value = holder[element] if element < len(holder) else None
            else:
                value = holder.get(element)
            kind = "L" if isinstance(following, int) else "M"
            within = None if value is None else value.get(kind)
            if within is None:
                raise validation("The document path provided in the update expression is invalid for update")
            if id(within) not in self._own:
                within = within.copy()
                self._own[id(within)] = within
                holder[element] = {kind: within}
            holder = within
        return holder

    def put(self, path: Path, value: Value) -> None:
        holder, last = self.holder(path), path[-1]
        if isinstance(last, int) and last >= len(holder):
            holder.append(value)
        else:
            holder[last] = value

    def remove(self, path: Path) -> None:
        holder, last = self.holder(path), path[-1]
        if not isinstance(last, int):
            holder.pop(last, None)
        elif last < len(holder):
            del holder[last]


class _Compiler:
    def __init__(self, binder: Binder, reads: list[Path]) -> None:
        self._binder = binder
        self._reads = reads

    def value(self, tree: Tree) -> Compute:
        """A function from the old item to a value. Missing attributes raise."""
        kind = tree[0]
        if kind == "value":
            constant = self._binder.value(tree[1])
            return lambda _item: constant
        if kind == "path":
            path = self._binder.path(tree[1])
            self._reads.append(path)

            def read(item: Item) -> Value:
                found = binding.read(path, item)
                if found is None:
                    raise validation(_MISSING)
                return found

            return read
        if kind == "arithmetic":
            return self._arithmetic(tree)
        if len(tree[2]) != 2:
            raise self._binder.refuse(
                "Incorrect number of operands for operator or function; operator or function:"
                f" {tree[1]}, number of operands: {len(tree[2])}"
            )
        return self._if_not_exists(tree) if tree[1] == "if_not_exists" else self._list_append(tree)

    def _check_type(self, operator: str, tree: Tree, wanted: str) -> None:
        if tree[0] == "value":
            found = binding.kind_of(self._binder.value(tree[1]))
        else:
            found = "L" if tree[:2] == ("call", "list_append") else wanted
        if found != wanted:
            raise self._binder.refuse(
                "Incorrect operand type for operator or function; operator or function:"
                f" {operator}, operand type: {found}"
            )

    def _arithmetic(self, tree: Tree) -> Compute:
        _, operator, left_tree, right_tree = tree
        for each in (left_tree, right_tree):
            self._check_type(operator, each, "N")
        left, right = self.value(left_tree), self.value(right_tree)

        def total(item: Item) -> Value:
            one, other = left(item), right(item)
            if "N" not in one or "N" not in other:
                raise validation(_WRONG_TYPE)
            return {"N": add_numbers(one["N"], other["N"], minus=operator == "-")}

        return total

    def _if_not_exists(self, tree: Tree) -> Compute:
        first, second = tree[2]
        if first[0] != "path":
            raise self._binder.refuse(
                "Operator or function requires a document path; operator or function: if_not_exists"
            )
        path, default = self._binder.path(first[1]), self.value(second)
        self._reads.append(path)

        def choose(item: Item) -> Value:
            found = binding.read(path, item)
            return default(item) if found is None else found

        return choose

    def _list_append(self, tree: Tree) -> Compute:
        for each in tree[2]:
            self._check_type("list_append", each, "L")
        first, second = (self.value(each) for each in tree[2])

        def append(item: Item) -> Value:
            one, other = first(item), second(item)
            if "L" not in one or "L" not in other:
                raise validation(_WRONG_TYPE)
            return {"L": [*one["L"], *other["L"]]}

        return append

    def kind(self, tree: Tree) -> str | None:
        """The type of what `value` computes, where it does not depend on the item."""
        if tree[0] == "value":
            return binding.kind_of(self._binder.value(tree[1]))
        if tree[0] == "arithmetic":
            return "N"
        return "L" if tree[:2] == ("call", "list_append") else None

    def operand(self, section: str, tree: Tree) -> Value:
        """The value of an ADD or DELETE clause."""
        value = self._binder.value(tree[1])
        kind = binding.kind_of(value)
        if kind not in SETS and not (section == "ADD" and kind == "N"):
            raise self._binder.refuse(
                f"Incorrect operand type for operator or function; operator: {section}, operand type:"
                f" {_NAMES[kind]}"
            )
        return value


def compile_update(text: str, names: Names, values: Values, used: Used | None = None) -> Update:
    """The update of an UpdateExpression. Raises ValidationException."""
    binder = Binder(UPDATE, names, values, used if used is not None else Used())
    parsed = parse_update(text)
    # Errors in names go before those in values, paths, operands of ADD and DELETE, and functions.
    binder.define(sorted(parsed.placeholders, key=lambda placeholder: placeholder[0]))
    clauses = [(clause.section, binder.path(clause.path), clause.operand) for clause in parsed.clauses]
    check_overlaps(UPDATE, [path for _, path, _ in clauses])
    update = Update()
    compiler = _Compiler(binder, update.reads)
    for section, path, operand in clauses:
        if section == "REMOVE":
            update.removes.append(path)
        elif section != "SET":
            assert operand is not None
            target = update.adds if section == "ADD" else update.deletes
            value = compiler.operand(section, operand)
            target.append((path, value))
            if section == "ADD" and len(path) == 1:
                update.kinds[str(path[0])] = binding.kind_of(value)
    for section, path, operand in clauses:
        if section == "SET":
            assert operand is not None
            update.sets.append((path, compiler.value(operand)))
            kind = compiler.kind(operand)
            if kind is not None and len(path) == 1:
                update.kinds[str(path[0])] = kind
    return update
