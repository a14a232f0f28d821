"""Change sets: what an update would change, resource by resource.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
What the details say is as LocalStack recorded it of AWS in
tests/aws/services/cloudformation/{test_change_sets,test_change_set_parameters}.snapshot.json.
"""

import json
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Cloud
from maycloud.services.cloudformation import graph
from maycloud.services.cloudformation.coercion import text
from maycloud.services.cloudformation.intrinsics import Scope
from maycloud.services.cloudformation.plans import mask, scope_of
from maycloud.services.cloudformation.providers import Provider, find
from maycloud.services.cloudformation.rows import Rows
from maycloud.services.cloudformation.store import Record, Stacks

UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)

# Attributes of a resource beside its properties, and where its record has them.
_BESIDE = {
    "Metadata": "metadata",
    "DeletionPolicy": "deletion_policy",
    "UpdateReplacePolicy": "replace_policy",
}


class _Preview(Rows):
    """Values as they are now; those of resources that the update makes are not known yet."""

    def __init__(self, stacks: Stacks, stack_id: str) -> None:
        super().__init__(stacks, stack_id)
        self.unknown: set[str] = set()

    def ref(self, logical_id: str) -> Any:
        return UNKNOWN if logical_id in self.unknown else super().ref(logical_id)

    def attribute(self, logical_id: str, name: str) -> Any:
        return UNKNOWN if logical_id in self.unknown else super().attribute(logical_id, name)


class _Changes:
    """The changes of one plan, and what decides them."""

    def __init__(self, cloud: Cloud, stacks: Stacks, stack: Record, plan: Record) -> None:
        self.preview = _Preview(stacks, stack["id"])
        self.scope = scope_of(cloud, stacks, stack, plan, self.preview)
        self.scope.evaluate_conditions()
        self.shown = mask(scope_of(cloud, stacks, stack, plan, self.preview), plan)
        before = (stack["plan"] or {}).get("resolved", {})
        self.parameters = {name for name, value in plan["resolved"].items() if before.get(name) != value}
        self.replaced: set[str] = set()

    def add(self, logical_id: str, definition: Record) -> Record:
        after = _context(self._harmless(definition))
        return _change("Add", logical_id, definition["Type"], AfterContext=after)

    def _harmless(self, definition: Record) -> Record:
        """Properties with hidden parameters masked; none where a hidden one is split or selected from."""
        try:
            return self.shown.resolve(definition.get("Properties") or {})
        except AwsError:
            return {}

    def modify(self, row: Record, definition: Record) -> Record | None:
        """The change of a resource that is there, None if there is none."""
        provider = find(row["type"])
        assert provider is not None
        raw = definition.get("Properties") or {}
        old, new = row["properties"], self.scope.resolve(raw)
        before = json.loads(row.get("shown") or "{}")
        after = self._harmless(definition)
        details: list[Record] = []
        replacement = "False"
        for name in sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name)):
            found = self._details(provider, name, raw.get(name), _values(name, before, after))
            details += found
            if found[0]["Target"]["RequiresRecreation"] == "Always" and replacement != "True":
                static = any(detail["Evaluation"] == "Static" for detail in found)
                replacement = "True" if static else "Conditional"
        scopes = ["Properties"] if details else []
        for attribute in _beside(self.scope, row, definition):
            scopes.append(attribute)
            target = {"Attribute": attribute, "RequiresRecreation": "Never"}
            details.append(_detail(target, "Static", "DirectModification"))
        if provider.always and not details:
            # As the API reference says of nested stacks that the template has not changed.
            scopes = ["Properties"]
            target = {"Attribute": "Properties", "RequiresRecreation": "Never"}
            details.append(_detail(target, "Dynamic", "Automatic"))
        if not details:
            return None
        members: Record = {"PhysicalResourceId": row["physical_id"], "Replacement": replacement}
        if replacement != "False":
            self.preview.unknown.add(row["logical_id"])
            self.replaced.add(row["logical_id"])
            keep = str(definition.get("UpdateReplacePolicy", "")).startswith("Retain")
            members["PolicyAction"] = "ReplaceAndRetain" if keep else "ReplaceAndDelete"
        members |= {"Scope": scopes, "Details": details}
        members |= {"BeforeContext": _context(before), "AfterContext": _context(after)}
        return _change("Modify", row["logical_id"], row["type"], **members)

    def _details(self, provider: Provider, name: str, raw: Any, values: Record) -> list[Record]:
        """Why a property changes: each cause that is known, or the template's own words."""
        recreate = provider.update is None or name in provider.replace_on
        requires = "Always" if recreate else "Never"
        target = {"Attribute": "Properties", "Name": name, "RequiresRecreation": requires, **values}
        causes: list[Record] = []
        by_parameter = False
        for referred, attribute in dict.fromkeys(graph.references(raw)):
            if referred in self.parameters:
                by_parameter = True
                causes.append(_detail(target, "Static", "ParameterReference", referred))
            elif referred in self.replaced:
                source = "ResourceReference" if attribute is None else "ResourceAttribute"
                causing = referred if attribute is None else f"{referred}.{attribute}"
                causes.append(_detail(target, "Static", source, causing))
        if not causes:
            evaluation = "Dynamic" if UNKNOWN in str(values.get("AfterValue")) else "Static"
            return [_detail(target, evaluation, "DirectModification")]
        # AWS tells of this one with the values only, unless a parameter is the cause.
        also = _detail(target, "Dynamic", "DirectModification")
        return [*causes, also if by_parameter else also | {"_WithValues": True}]


def changes(cloud: Cloud, stacks: Stacks, stack: Record, plan: Record) -> list[Record]:
    """What carrying out `plan` would do to each resource, in order of logical id. Raises AwsError."""
    rows = {
        name: row
        for name, row in stacks.resources(stack["id"]).items()
        if row["physical_id"] and not row["status"].startswith("DELETE_")
    }
    made = _Changes(cloud, stacks, stack, plan)
    resources = graph.active(plan["processed"], "Resources", made.scope.conditions)
    found: list[Record] = []
    made.preview.unknown = resources.keys() - rows.keys()
    for logical_id in _in_order(graph.dependencies(resources)):
        definition = resources[logical_id]
        row = rows.get(logical_id)
        change = made.add(logical_id, definition) if row is None else made.modify(row, definition)
        if change is not None:
            found.append(change)
    found += [_removal(rows[logical_id]) for logical_id in rows.keys() - resources.keys()]
    return sorted(found, key=lambda change: change["ResourceChange"]["LogicalResourceId"])


def shown(change: Record, *, values: bool) -> Record:
    """A change as DescribeChangeSet gives it, with the values of properties where they are asked for."""
    resource = change["ResourceChange"]
    if not values:
        resource = {key: item for key, item in resource.items() if not key.endswith("Context")}
    details: list[Record] = []
    for detail in resource["Details"]:
        if values or not detail.get("_WithValues"):
            hidden = () if values else ("Path", "BeforeValue", "AfterValue", "AttributeChangeType")
            target = {key: item for key, item in detail["Target"].items() if key not in hidden}
            details.append({key: item for key, item in detail.items() if key != "_WithValues"})
            details[-1]["Target"] = target
    return change | {"ResourceChange": resource | {"Details": details}}


def _removal(row: Record) -> Record:
    policy = "Retain" if str(row.get("deletion_policy", "")).startswith("Retain") else "Delete"
    return _change(
        "Remove",
        row["logical_id"],
        row["type"],
        PhysicalResourceId=row["physical_id"],
        PolicyAction=policy,
        BeforeContext=_context(json.loads(row.get("shown") or "{}")),
    )


def _in_order(waits: dict[str, set[str]]) -> list[str]:
    ordered: list[str] = []
    left = {name: set(needs) for name, needs in waits.items()}
    while left:
        ready = [name for name, needs in left.items() if not needs]
        ordered += ready
        left = {name: needs - set(ready) for name, needs in left.items() if name not in ready}
    return ordered


def _change(action: str, logical_id: str, type_: str, **members: Any) -> Record:
    return {
        "Type": "Resource",
        "ResourceChange": {
            "Action": action,
            "LogicalResourceId": logical_id,
            "ResourceType": type_,
            "Scope": [],
            "Details": [],
            **members,
        },
    }


def _detail(target: Record, evaluation: str, source: str, causing: str = "") -> Record:
    found = {"Target": target, "Evaluation": evaluation, "ChangeSource": source}
    return found | {"CausingEntity": causing} if causing else found


def _context(properties: Record) -> str:
    return json.dumps({"Properties": properties}, separators=(",", ":"), default=str)


def _values(name: str, before: Record, after: Record) -> Record:
    """A property's values before and after, as the target of a detail has them."""
    kind = "Add" if name not in before else "Remove" if name not in after else "Modify"
    found = {"Path": f"/Properties/{name}", "AttributeChangeType": kind}
    for key, properties in (("BeforeValue", before), ("AfterValue", after)):
        if name in properties:
            value = properties[name]
            found[key] = json.dumps(value) if isinstance(value, dict | list) else text(value)
    return found


def _beside(scope: Scope, row: Record, definition: Record) -> list[str]:
    """Attributes beside the properties that the template has changed."""
    return [
        attribute
        for attribute, key in _BESIDE.items()
        if (scope.resolve(definition.get(attribute, {})) or None) != (row.get(key) or None)
    ]
