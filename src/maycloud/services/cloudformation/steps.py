"""What is done to one resource: create, update, replace, restore, delete; with the events that tell it.

A resource's record: ``logical_id``, ``type``, ``physical_id``, ``ref``, ``attributes``, ``properties`` (as
resolved, dynamic references still in them), ``shown`` (those, as events show them), ``tags`` (that the stack
gave it), ``attempted`` (properties of the last update begun), ``status``, ``reason``, ``token`` (of generated
names), ``needs`` (logical ids), ``deletion_policy``, ``replace_policy``, ``metadata``, ``work`` (that last
touched it), ``fresh`` (made by the update that runs), ``old`` (its record before the update that runs, with
``replaced``), ``discard`` (former selves to be deleted) and ``removed`` (to be deleted in the cleanup).
"""

import json
import logging
from collections.abc import Awaitable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from maycloud.errors import AwsError
from maycloud.services.cloudformation.failures import ResourceFailedError, is_missing, word
from maycloud.services.cloudformation.given import Given
from maycloud.services.cloudformation.intrinsics import Scope
from maycloud.services.cloudformation.providers import (
    Context,
    Provider,
    Resource,
    find,
    new_token,
)
from maycloud.services.cloudformation.store import Record
from maycloud.services.cloudformation.template import error

if TYPE_CHECKING:
    from maycloud.services.cloudformation.run import Graph, Run

log = logging.getLogger("maycloud.cloudformation")

INITIATED = "Resource creation Initiated"
REPLACES = "Requested update requires the creation of a new physical resource; hence creating one."

_KEPT = (
    "physical_id", "ref", "attributes", "properties", "shown", "tags", "token", "needs", "replace_policy",
    "type",
)  # fmt: skip


class Steps:
    """The steps of one run."""

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._stacks = run.stacks
        self._stack_id: str = run.stack["id"]
        self._work: str = run.stack["work"]["id"]
        self._event_ids: set[str] = set()

    def take(self, scope: Scope, masked: Scope, resources: dict[str, dict[str, Any]], waits: "Graph") -> None:
        """Take up the resources of a plan, and what their values are resolved in."""
        self._scope = scope
        self._masked = masked
        self._resources = resources
        self._waits = waits

    # Records and events

    def _save(self, row: Record, status: str, reason: str = "", physical_id: str | None = None) -> None:
        """Save a record with a status, and tell it; of `physical_id` where that is another's."""
        row |= {"status": status, "reason": reason, "work": self._work}
        self._stacks.put_resource(self._stack_id, row)
        shown = row["physical_id"] if physical_id is None else physical_id
        self._tell(row, shown, status, reason, row.get("shown", ""))

    def _tell(
        self, row: Record, physical_id: str, status: str, reason: str = "", properties: str = ""
    ) -> None:
        self._stacks.add_event(
            self._run.stack,
            row["logical_id"],
            row["type"],
            status,
            event_id=self._event_id(row["logical_id"], status),
            PhysicalResourceId=physical_id,
            ResourceStatusReason=reason,
            ResourceProperties=properties,
            ClientRequestToken=(self._run.stack.get("work") or {}).get("client_token", ""),
        )

    def _event_id(self, logical_id: str, status: str) -> str:
        """``Table-CREATE_COMPLETE-2020-11-02T22:51:36.628Z``, of the next millisecond that is still free."""
        millis = self._run.cloud.store.clock.millis()
        while True:
            at = datetime.fromtimestamp(millis / 1000, UTC).isoformat(timespec="milliseconds")
            found = f"{logical_id}-{status}-{at.removesuffix('+00:00')}Z"
            if found not in self._event_ids:
                self._event_ids.add(found)
                return found
            millis += 1

    def _new(self, logical_id: str) -> Record:
        return {
            "logical_id": logical_id,
            "type": self._resources[logical_id]["Type"],
            "physical_id": "",
            "ref": None,
            "attributes": {},
            "properties": {},
            "shown": "",
            "token": new_token(),
            "work": self._work,
        }

    def _describe(self, row: Record) -> None:
        """Note what the template says about a resource beside its properties."""
        definition = self._resources[row["logical_id"]]
        row |= {
            "needs": sorted(self._waits[row["logical_id"]]),
            "deletion_policy": self._scope.resolve(definition.get("DeletionPolicy", "")),
            "replace_policy": self._scope.resolve(definition.get("UpdateReplacePolicy", "")),
            "metadata": self._scope.resolve(definition.get("Metadata") or {}),
            "description": definition.get("Description", ""),
        }

    def _properties(self, logical_id: str) -> tuple[dict[str, Any], str]:
        """Properties resolved, and as events show them."""
        raw = self._resources[logical_id].get("Properties") or {}
        resolved = self._scope.resolve(raw)
        try:
            harmless = resolved if self._masked is self._scope else self._masked.resolve(raw)
            shown = json.dumps(harmless, separators=(",", ":"), default=str)
        except AwsError:
            shown = ""  # a hidden value that is split or selected from
        return resolved, shown

    def _context(self, row: Record) -> Context:
        def created(physical_id: str, attributes: dict[str, Any]) -> None:
            row["physical_id"] = physical_id
            row["attributes"] = attributes
            self._save(row, row["status"], INITIATED)

        run = self._run
        stack = run.stack | {"tags": run.tags}
        return Context(
            run.cloud, run.principal, stack, row["logical_id"], row["type"], row["token"], created,
            row.get("tags", run.tags),
        )  # fmt: skip

    async def _attempt(self, ctx: Context, what: Awaitable[Resource | None]) -> Resource | None:
        """What a provider does, its errors as the reasons that AWS gives."""
        try:
            return await what
        except AwsError as failure:
            raise ResourceFailedError(word(ctx.failed_service, failure)) from failure
        except (
            Exception
        ) as failure:  # a provider's defect must fail its resource, not repeat the work for ever
            log.exception("%s of %s failed", ctx.logical_id, ctx.stack_name)
            raise ResourceFailedError("Internal Failure") from failure

    # Create

    async def create(self, logical_id: str) -> None:
        row = self._stacks.resource(self._stack_id, logical_id)
        if row is not None and row["work"] == self._work:
            if row["status"] == "CREATE_COMPLETE":
                return
            await self._take_back(row)
        row = row or self._new(logical_id)
        await self._make(row, "CREATE")

    async def _take_back(self, row: Record) -> None:
        """Delete what an interrupted or failed creation had made, to begin it anew."""
        if row["physical_id"]:
            try:
                await self._remove(row, row)
            except ResourceFailedError as failure:
                self._save(row, "CREATE_FAILED", failure.reason)
                raise
            row |= {"physical_id": "", "attributes": {}, "token": new_token()}
            self._stacks.put_resource(self._stack_id, row)

    async def _make(self, row: Record, verb: str, why: str = "") -> None:
        """Create the resource of a record. `verb` is CREATE, or UPDATE where it replaces another."""
        try:
            self._describe(row)
            properties, shown = self._properties(row["logical_id"])
        except AwsError as failure:
            self._save(row, f"{verb}_FAILED", failure.message)
            raise ResourceFailedError(failure.message) from failure
        row |= {"properties": properties, "shown": shown, "tags": self._run.tags}
        replaced = row["old"]["physical_id"] if why else None
        self._save(row, f"{verb}_IN_PROGRESS", why, replaced)
        ctx = self._context(row)
        try:
            resource = await self._attempt(ctx, self._created(ctx, row, properties))
        except ResourceFailedError as failure:
            self._save(row, f"{verb}_FAILED", failure.reason)
            raise
        assert resource is not None
        initiated = bool(row["physical_id"])
        _fill(row, resource)
        if not initiated:
            self._tell(row, resource.physical_id, f"{verb}_IN_PROGRESS", INITIATED, shown)
        self._save(row, f"{verb}_COMPLETE")

    async def _created(self, ctx: Context, row: Record, properties: dict[str, Any]) -> Resource:
        provider = _provider(row["type"])
        provider.check(row["logical_id"], properties)
        return await provider.create(ctx, await self._given(row, properties))

    async def _given(self, row: Record, properties: dict[str, Any]) -> Given:
        return Given(row["logical_id"], await self._run.dynamic(properties))

    def give_up(self, logical_ids: Iterable[str]) -> None:
        """Note that creations were cut short."""
        for logical_id in logical_ids:
            row = self._stacks.resource(self._stack_id, logical_id)
            if row is not None and row["status"].endswith("_IN_PROGRESS"):
                self._save(row, "CREATE_FAILED", "Resource creation cancelled")

    # Update

    async def update(self, logical_id: str) -> None:
        row = self._stacks.resource(self._stack_id, logical_id)
        if row is None:
            row = self._new(logical_id) | {"fresh": True}
            await self._make(row, "CREATE")
            return
        mine = row["work"] == self._work
        if mine and row["status"].endswith("_COMPLETE"):
            return
        if not mine and row.get("old"):
            _settle(row)
        if row.get("fresh") or row["status"].startswith("CREATE_FAILED") or not _exists(row):
            await self._take_back(row)
            row["fresh"] = True
            await self._make(row, "CREATE")
            return
        if mine and (row.get("old") or {}).get("replaced"):
            await self._take_back(row)
            await self._make(row, "UPDATE", REPLACES)
            return
        await self._change(row)

    async def _change(self, row: Record) -> None:
        """Bring a resource that exists to its new properties, by update or by replacement."""
        provider = _provider(row["type"])
        before = {key: row.get(key) for key in _KEPT}
        try:
            self._describe(row)
            new, shown = self._properties(row["logical_id"])
            old = (row.get("old") or row)["properties"]
            changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
            retagged = provider.taggable and row.get("tags", self._run.tags) != self._run.tags
            if not (changed or retagged or provider.always) and row["status"] != "UPDATE_FAILED":
                row["work"] = self._work
                self._stacks.put_resource(self._stack_id, row)
                return
            replaces = provider.update is None or bool(changed & provider.replace_on)
            self._ask_policy("Update:Replace" if replaces else "Update:Modify", row)
            provider.check(row["logical_id"], new)
            if replaces:
                _check_name(provider, old, new)
                row |= {"old": before | {"replaced": True}, "physical_id": "", "ref": None}
                row |= {"attributes": {}, "token": new_token()}
                await self._make(row, "UPDATE", REPLACES)
                return
        except AwsError as failure:
            row["needs"] = before["needs"]
            self._save(row, "UPDATE_FAILED", failure.message)
            raise ResourceFailedError(failure.message) from failure
        row["old"] = row.get("old") or before | {"replaced": False}
        row |= {"attempted": new, "shown": shown}
        self._save(row, "UPDATE_IN_PROGRESS")
        resource = await self._apply(row, provider, old, new)
        # A provider may make a new one; the former is then deleted like any that was replaced.
        row["old"]["replaced"] = resource.physical_id != row["physical_id"]
        _fill(row, resource)
        row |= {"properties": new, "tags": self._run.tags}
        self._save(row, "UPDATE_COMPLETE")

    def _ask_policy(self, action: str, row: Record) -> None:
        """Raise for what the stack's policy, or that of this update alone, does not let happen."""
        policy = self._run.policy
        refusal = policy.refusal(action, row["logical_id"], row["type"]) if policy else None
        if refusal is not None:
            raise error(refusal)

    def refuse_removal(self, logical_id: str) -> str | None:
        """Why a resource that the new template has lost may not be deleted, if it may not."""
        row = self._stacks.resource(self._stack_id, logical_id)
        if row is None or not _exists(row):
            return None
        try:
            self._ask_policy("Update:Delete", row)
        except AwsError as failure:
            self._tell(row, row["physical_id"], "DELETE_FAILED", failure.message)
            return failure.message
        return None

    async def _apply(self, row: Record, provider: Provider, old: Any, new: Any) -> Resource:
        """Call the provider's update; a failure becomes the record's."""
        ctx = self._context(row)

        async def call() -> Resource:
            assert provider.update is not None
            before, after = await self._given(row, old), await self._given(row, new)
            return await provider.update(ctx, row["physical_id"], before, after, row["attributes"])

        try:
            resource = await self._attempt(ctx, call())
        except ResourceFailedError as failure:
            self._save(row, "UPDATE_FAILED", failure.reason)
            raise
        assert resource is not None
        return resource

    async def restore(self, logical_id: str) -> None:
        """Bring a resource back to what it was before the update."""
        row = self._stacks.resource(self._stack_id, logical_id)
        if row is None or not row.get("old"):
            return
        old = row["old"]
        if logical_id in self._run.stack["work"].get("skip", []):
            # Its owner says that it is as the former template wants it.
            row |= _former(old)
            self._save(row, "UPDATE_COMPLETE")
            return
        if old["replaced"]:
            if row["physical_id"]:
                row["discard"] = [*row.get("discard", []), {key: row.get(key) for key in _KEPT}]
            row |= {key: old.get(key) for key in _KEPT} | {"old": None}
            self._save(row, "UPDATE_COMPLETE")
            return
        row["shown"] = old.get("shown", "")
        self._save(row, "UPDATE_IN_PROGRESS")
        attempted = row.get("attempted", row["properties"])
        resource = await self._apply(row, _provider(row["type"]), attempted, old["properties"])
        if resource.physical_id != row["physical_id"]:
            row["discard"] = [*row.get("discard", []), {key: row.get(key) for key in _KEPT}]
        _fill(row, resource)
        row |= _former(old)
        self._save(row, "UPDATE_COMPLETE")

    def stand(self, row: Record) -> None:
        """Note that a resource which an update was not allowed to touch is as it was."""
        self._save(row, "UPDATE_COMPLETE")

    # Delete

    async def delete(self, logical_id: str) -> None:
        row = self._stacks.resource(self._stack_id, logical_id)
        if row is None:
            return
        if not row["physical_id"] and not row.get("discard"):
            self._save(row, "DELETE_COMPLETE")
            return
        creating = self._run.stack["work"]["phase"] == "rollback_create"
        retained = self._run.stack["work"].get("retain", [])
        keep = row.get("deletion_policy") == "Retain" or (
            row.get("deletion_policy") == "RetainExceptOnCreate" and not creating
        )
        if keep or logical_id in retained:
            self._save(row, "DELETE_SKIPPED")
            return
        self._save(row, "DELETE_IN_PROGRESS")
        try:
            for former in row.get("discard", []):
                await self._remove(row, former)
            if row["physical_id"]:
                await self._remove(row, row)
        except ResourceFailedError as failure:
            self._save(row, "DELETE_FAILED", failure.reason)
            raise
        self._save(row, "DELETE_COMPLETE")

    async def clean(self, logical_id: str) -> None:
        """Delete former selves of a resource, and the resource itself if the template has lost it."""
        row = self._stacks.resource(self._stack_id, logical_id)
        if row is None:
            return
        for former in list(row.get("discard", [])):
            await self._clean_one(row, former, former.get("replace_policy") or "")
            row["discard"] = row["discard"][1:]
            self._stacks.put_resource(self._stack_id, row)
        if row.get("removed"):
            if row["physical_id"]:
                await self._clean_one(row, row, row.get("deletion_policy") or "")
            self._stacks.drop_resource(self._stack_id, logical_id)

    async def _clean_one(self, row: Record, thing: Record, policy: str) -> None:
        """Failures are told and left: the update itself has succeeded."""
        physical_id = thing["physical_id"]
        if policy in ("Retain", "RetainExceptOnCreate"):
            self._tell(row, physical_id, "DELETE_SKIPPED")
            return
        self._tell(row, physical_id, "DELETE_IN_PROGRESS")
        try:
            await self._remove(row, thing)
        except ResourceFailedError as failure:
            self._tell(row, physical_id, "DELETE_FAILED", failure.reason)
        else:
            self._tell(row, physical_id, "DELETE_COMPLETE")

    async def _remove(self, row: Record, thing: Record) -> None:
        """Delete one physical resource; that it is not there is as good."""
        provider = _provider(thing["type"])
        ctx = self._context(row | {"token": thing["token"]})

        async def call() -> None:
            properties = await self._given(row, thing["properties"])
            try:
                await provider.delete(ctx, thing["physical_id"], properties, thing["attributes"])
            except AwsError as failure:
                if not is_missing(failure):
                    raise

        await self._attempt(ctx, call())


def _provider(type_: str) -> Provider:
    provider = find(type_)
    if provider is None:
        raise error(f"Template format error: Unrecognized resource types: [{type_}]")
    return provider


def _exists(row: Record) -> bool:
    return bool(row["physical_id"]) and row["status"] not in ("DELETE_COMPLETE", "DELETE_SKIPPED")


def _former(old: Record) -> Record:
    """What a record takes over from the one of before an update that is undone."""
    return {key: old.get(key) for key in ("properties", "shown", "tags", "needs")} | {"old": None}


def _settle(row: Record) -> None:
    """Take up the record of an update that failed and was not rolled back."""
    if row["old"]["replaced"]:
        row["discard"] = [*row.get("discard", []), row["old"]]
    row["old"] = None


def _fill(row: Record, resource: Resource) -> None:
    row |= {"physical_id": resource.physical_id, "ref": resource.ref, "attributes": resource.attributes}


def _check_name(provider: Provider, old: dict[str, Any], new: dict[str, Any]) -> None:
    name = provider.name_property
    if name and name in new and old.get(name) == new[name]:
        raise error(
            "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename"
            f" {new[name]} and update the stack again."
        )
