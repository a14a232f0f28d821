"""What refers to what: checks of references, pruning by conditions, order of resources."""

from collections.abc import Iterator
from typing import Any

from maycloud.services.cloudformation.intrinsics import (
    CONDITION_FUNCTIONS,
    FUNCTIONS,
    PSEUDO,
    split_get_att,
    split_sub,
    sub_names,
    unsupported,
)
from maycloud.services.cloudformation.template import Template, depends_on, error, format_error

Reference = tuple[str, str | None]  # a name, and the attribute if it is Fn::GetAtt


def references(value: Any) -> Iterator[Reference]:
    """All that Ref, Fn::GetAtt and Fn::Sub below `value` name, but for Sub's own variables."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
        return
    if not isinstance(value, dict):
        return
    if len(value) == 1:
        (name, argument), *_ = value.items()
        if name == "Ref":
            if not isinstance(argument, str):
                raise error("Template error: every Ref object must have a single String value.")
            yield argument, None
            return
        if name == "Fn::GetAtt":
            logical_id, attribute = split_get_att(argument)
            yield logical_id, attribute if isinstance(attribute, str) else ""
            yield from references(attribute)
            return
        if name == "Fn::Sub":
            text, variables = split_sub(argument)
            for variable in sub_names(text):
                if variable not in variables:
                    owner, dot, attribute = variable.partition(".")
                    yield owner, attribute if dot else None
            yield from references(list(variables.values()))
            return
    for item in value.values():
        yield from references(item)


def check_functions(value: Any) -> None:
    """Raise for functions that are none, and for those of conditions, which give no value outside of them."""
    if isinstance(value, list):
        for item in value:
            check_functions(item)
    elif isinstance(value, dict):
        name = next(iter(value)) if len(value) == 1 else ""
        if name in CONDITION_FUNCTIONS:
            raise error(f"Template Error: {name} cannot be partially collapsed")
        if str(name).startswith("Fn::") and name not in FUNCTIONS:
            raise unsupported(name)
        for item in value.values():
            check_functions(item)


def _conditions_used(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _conditions_used(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name == "Fn::If" and isinstance(item, list) and item and isinstance(item[0], str):
                yield item[0]
            yield from _conditions_used(item)


def check_references(template: Template) -> None:
    """Raise for names that neither a resource nor a parameter has."""
    resources = template["Resources"]
    parameters = template.get("Parameters") or {}
    conditions = template.get("Conditions") or {}
    both = sorted(resources.keys() & parameters.keys())
    if both:
        raise format_error(f"Duplicate names in Resources and Parameters: [{', '.join(both)}]")
    for block in ("Resources", "Outputs"):
        missing: dict[str, None] = {}
        for logical_id, item in (template.get(block) or {}).items():
            _check_output(item) if block == "Outputs" else check_functions(item.get("Properties"))
            for name, attribute in references(item):
                if name in resources or (attribute is None and (name in parameters or name in PSEUDO)):
                    continue
                if attribute is not None:
                    raise error(
                        f"Template error: instance of Fn::GetAtt references undefined resource {name}"
                    )
                missing[name] = None
            if block == "Resources":
                missing |= {name: None for name in depends_on(item) if name not in resources}
            used = [item["Condition"]] if isinstance(item.get("Condition"), str) else []
            for name in [*used, *_conditions_used(item)]:
                if name not in conditions:
                    raise format_error(
                        f"Unresolved condition dependency {name} in the {block} block of the template"
                    )
            if block == "Resources" and logical_id in depends_on(item):
                raise error(f"Circular dependency between resources: [{logical_id}]")
        if missing:
            raise format_error(
                f"Unresolved resource dependencies [{', '.join(missing)}] in the {block} block of the"
                " template"
            )


def _check_output(output: dict[str, Any]) -> None:
    """What an output gives must be a text; ministack#1650 has AWS's words."""
    value = output["Value"]
    if isinstance(value, list) or (isinstance(value, dict) and value.keys() & CONDITION_FUNCTIONS):
        raise format_error("The Value field of every Outputs member must evaluate to a String.")
    check_functions(value)


def prune(value: Any, conditions: dict[str, bool]) -> Any:
    """`value` with each Fn::If replaced by its chosen branch."""
    if isinstance(value, list):
        return [prune(item, conditions) for item in value]
    if not isinstance(value, dict):
        return value
    chosen = value.get("Fn::If") if len(value) == 1 else None
    if isinstance(chosen, list) and len(chosen) == 3 and chosen[0] in conditions:
        return prune(chosen[1] if conditions[chosen[0]] else chosen[2], conditions)
    return {key: prune(item, conditions) for key, item in value.items()}


def active(template: Template, block: str, conditions: dict[str, bool]) -> dict[str, dict[str, Any]]:
    """Resources or outputs whose condition holds, with Fn::If decided. Raises for what they miss then."""
    present = {
        logical_id
        for logical_id, item in template["Resources"].items()
        if "Condition" not in item or conditions[item["Condition"]]
    }
    found: dict[str, dict[str, Any]] = {
        name: prune(item, conditions)
        for name, item in (template.get(block) or {}).items()
        if "Condition" not in item or conditions[item["Condition"]]
    }
    missing = {
        name: None
        for item in found.values()
        for name, _attribute in references(item)
        if name in template["Resources"] and name not in present
    }
    if missing:
        raise format_error(
            f"Unresolved resource dependencies [{', '.join(missing)}] in the {block} block of the template"
        )
    return found


def dependencies(resources: dict[str, dict[str, Any]]) -> dict[str, set[str]]:
    """What each resource waits for. Raises for a circle."""
    found: dict[str, set[str]] = {}
    for logical_id, resource in resources.items():
        names = {name for name, _attribute in references(resource.get("Properties") or {})}
        names |= {name for name, _attribute in references(resource.get("Metadata") or {})}
        names |= set(depends_on(resource))
        found[logical_id] = names & resources.keys()
    check_circle(found)
    return found


def check_circle(waits: dict[str, set[str]]) -> None:
    """Raise if something waits for itself, at whatever distance."""
    circle = _circle(waits)
    if circle:
        raise error(f"Circular dependency between resources: [{', '.join(circle)}]")


def _circle(graph: dict[str, set[str]]) -> list[str]:
    """What is left after taking away, from both ends, all that is in no circle."""
    left = {name: set(needs) for name, needs in graph.items()}
    while True:
        needed = {need for needs in left.values() for need in needs}
        gone = {name for name, needs in left.items() if not needs or name not in needed}
        if not gone:
            return [name for name in graph if name in left]
        left = {name: needs - gone for name, needs in left.items() if name not in gone}
