"""Change sets: what an update would change, resource by resource.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
"""

from typing import Any

from maycloud.services.base import Cloud
from maycloud.services.cloudformation import graph
from maycloud.services.cloudformation.plans import scope_of
from maycloud.services.cloudformation.providers import find
from maycloud.services.cloudformation.steps import Rows
from maycloud.services.cloudformation.store import Record, Stacks

UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)


class _Preview(Rows):
    """Values as they are now; those of resources that the update makes are not known yet."""

    def __init__(self, stacks: Stacks, stack_id: str) -> None:
        super().__init__(stacks, stack_id)
        self.unknown: set[str] = set()

    def ref(self, logical_id: str) -> Any:
        return UNKNOWN if logical_id in self.unknown else super().ref(logical_id)

    def attribute(self, logical_id: str, name: str) -> Any:
        return UNKNOWN if logical_id in self.unknown else super().attribute(logical_id, name)


def changes(cloud: Cloud, stacks: Stacks, stack: Record, plan: Record) -> list[dict[str, Any]]:
    """What carrying out `plan` would do to each resource, in order of logical id. Raises AwsError."""
    rows = {
        name: row
        for name, row in stacks.resources(stack["id"]).items()
        if row["physical_id"] and not row["status"].startswith("DELETE_")
    }
    preview = _Preview(stacks, stack["id"])
    scope = scope_of(cloud, stacks, stack, plan, preview)
    scope.evaluate_conditions()
    resources = graph.active(plan["processed"], "Resources", scope.conditions)
    found: list[dict[str, Any]] = []
    preview.unknown = resources.keys() - rows.keys()
    for logical_id in _in_order(graph.dependencies(resources)):
        definition = resources[logical_id]
        row = rows.get(logical_id)
        if row is None:
            found.append(_change("Add", logical_id, definition["Type"]))
            continue
        change = _modify(row, scope.resolve(definition.get("Properties") or {}), definition, preview)
        if change is not None:
            found.append(change)
    for logical_id in rows.keys() - resources.keys():
        row = rows[logical_id]
        policy = "Retain" if str(row.get("deletion_policy", "")).startswith("Retain") else "Delete"
        found.append(
            _change(
                "Remove", logical_id, row["type"], PhysicalResourceId=row["physical_id"], PolicyAction=policy
            )
        )
    return sorted(found, key=lambda change: change["ResourceChange"]["LogicalResourceId"])


def _in_order(waits: dict[str, set[str]]) -> list[str]:
    ordered: list[str] = []
    left = {name: set(needs) for name, needs in waits.items()}
    while left:
        ready = [name for name, needs in left.items() if not needs]
        ordered += ready
        left = {name: needs - set(ready) for name, needs in left.items() if name not in ready}
    return ordered


def _change(action: str, logical_id: str, type_: str, **members: Any) -> dict[str, Any]:
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


def _modify(
    row: Record, new: dict[str, Any], definition: dict[str, Any], preview: _Preview
) -> dict[str, Any] | None:
    provider = find(row["type"])
    assert provider is not None
    old = row["properties"]
    changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    if not changed:
        return None
    details: list[dict[str, Any]] = []
    replaced = {"False"}
    raw = definition.get("Properties") or {}
    for name in changed:
        recreate = provider.update is None or name in provider.replace_on
        dynamic = UNKNOWN in str(new.get(name))
        if recreate:
            replaced.add("Conditional" if dynamic else "True")
        refers = [ref for ref, _attribute in graph.references(raw.get(name)) if ref in preview.unknown]
        detail: dict[str, Any] = {
            "Target": {
                "Attribute": "Properties",
                "Name": name,
                "RequiresRecreation": "Never" if not recreate else "Conditionally" if dynamic else "Always",
            },
            "Evaluation": "Dynamic" if dynamic else "Static",
            "ChangeSource": "ResourceReference" if refers else "DirectModification",
        }
        if refers:
            detail["CausingEntity"] = refers[0]
        details.append(detail)
    replacement = "True" if "True" in replaced else "Conditional" if "Conditional" in replaced else "False"
    members: dict[str, Any] = {
        "PhysicalResourceId": row["physical_id"],
        "Replacement": replacement,
        "Scope": ["Properties"],
        "Details": details,
    }
    if replacement != "False":
        preview.unknown.add(row["logical_id"])
        keep = str(definition.get("UpdateReplacePolicy", "")).startswith("Retain")
        members["PolicyAction"] = "ReplaceAndRetain" if keep else "ReplaceAndDelete"
    return _change("Modify", row["logical_id"], row["type"], **members)
