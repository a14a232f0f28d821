"""YAML of clients, loaded within bounds.

libyaml's loader calls itself, in C, for each level: enough of them overflow the stack and end the process.
Aliases make much of little: what they write out to is counted before anything walks through it.
"""

from typing import Any

import yaml

MAX_DEPTH = 100  # levels; the deepest of AWS's own samples have about twenty
MAX_NODES = 1_000_000  # values of a document with its aliases written out


class BoundError(ValueError):
    """A document that is nested too deeply, or expands to too much."""


def check_depth(text: str) -> None:
    """Raises BoundError, or yaml.YAMLError where the text is no YAML."""
    depth = 0
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise BoundError(f"the template is nested more than {MAX_DEPTH} levels deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def check_aliases(root: yaml.Node, most: int = MAX_NODES) -> None:
    """Refuse aliases that lead back to themselves, and those that write out to more values than `most`."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node, path: frozenset[int]) -> int:
        if isinstance(node, yaml.ScalarNode):
            return 1
        known = sizes.get(id(node))
        if known is not None:
            return known
        if id(node) in path:
            raise BoundError("YAML aliases must not be recursive.")
        inner = path | {id(node)}
        children = (
            [part for pair in node.value for part in pair]
            if isinstance(node, yaml.MappingNode)
            else node.value
        )
        total = 1 + sum(size(child, inner) for child in children)
        if total > most:
            raise BoundError("YAML aliases expand to too large a template.")
        sizes[id(node)] = total
        return total

    size(root, frozenset())


def load(text: str, loader_class: Any, most: int = MAX_NODES) -> Any:
    """The one document of a text; None where there is none. Raises BoundError or yaml.YAMLError."""
    check_depth(text)
    loader = loader_class(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        check_aliases(node, most)
        return loader.construct_document(node)
    finally:
        loader.dispose()
