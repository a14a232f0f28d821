"""One work on one stack, phase by phase, until there is nothing left to do.

Phases: ``create`` and ``update`` bring resources to the plan; ``rollback_create`` and ``delete`` take them
away; ``rollback_update`` brings them back to the previous plan; ``cleanup`` removes what an update or its
rollback left over. A phase may be entered again after a crash and passes over what is done.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any

from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.services.cloudformation import graph
from maycloud.services.cloudformation.coercion import text
from maycloud.services.cloudformation.failures import ResourceFailedError
from maycloud.services.cloudformation.intrinsics import NO_VALUE, Scope
from maycloud.services.cloudformation.parameters import is_secret, resolve_dynamic
from maycloud.services.cloudformation.plans import Reader, localizer, mask, scope_of
from maycloud.services.cloudformation.rows import Rows
from maycloud.services.cloudformation.stack_policies import StackPolicy
from maycloud.services.cloudformation.steps import Steps
from maycloud.services.cloudformation.store import Record
from maycloud.services.cloudformation.template import error, format_error

if TYPE_CHECKING:
    from maycloud.services.cloudformation.engine import Engine

log = logging.getLogger("maycloud.cloudformation")

TIMED_OUT = "Stack creation time exceeded the specified timeout."
Graph = dict[str, set[str]]


class SupersededError(Exception):
    """Another operation has begun other work on the stack."""


class Run:
    """Carries on the work of `stack`."""

    def __init__(self, engine: "Engine", stack: Record, principal: Principal) -> None:
        self.engine = engine
        self.cloud = engine.cloud
        self.stacks = engine.stacks
        self.stack = stack
        self.principal = principal
        self.work_id: str = stack["work"]["id"]
        self.tags: dict[str, str] = (stack["plan"] or {}).get("tags", {})  # that its resources get
        self.steps = Steps(self)
        written = stack["work"].get("policy") or stack.get("policy")
        self.policy = StackPolicy(written) if written else None
        self.reader = Reader(self.cloud, principal, stack["account"], stack["region"])

    async def go(self) -> None:
        phases: dict[str, Callable[[], Awaitable[None]]] = {
            "create": self._create,
            "update": self._update,
            "rollback_create": self._rollback_create,
            "rollback_update": self._rollback_update,
            "cleanup": self._cleanup,
            "delete": self._delete,
        }
        while self.stack.get("work"):
            await phases[self.stack["work"]["phase"]]()

    # The stack's record

    def _current(self) -> Record:
        """The record as it is now. Raises if the work is not ours any more."""
        stack = self.stacks.get(self.stack["id"])
        if stack is None or (stack.get("work") or {}).get("id") != self.work_id:
            raise SupersededError(self.stack["id"])
        self.stack = stack
        return stack

    def _enter(self, phase: str, status: str, reason: str = "", **work: Any) -> None:
        stack = self._current()
        stack["work"] |= {"phase": phase, **work}
        self.engine.set_status(stack, status, reason)

    def _finish(self, status: str, reason: str = "", **fields: Any) -> None:
        """End the work. `fields` go into the stack's record."""
        stack = self._current()
        token = stack["work"].get("client_token", "")
        stack |= {"work": None, **fields}
        if status not in ("UPDATE_ROLLBACK_FAILED", "UPDATE_FAILED"):
            stack["previous"] = None
        if change_set := stack.get("executing"):
            record = self.stacks.change_set_by_id(change_set)
            if record is not None:
                failed = "ROLLBACK" in status or "FAILED" in status
                record["execution"] = "EXECUTE_FAILED" if failed else "EXECUTE_COMPLETE"
                self.stacks.put_change_set(record)
            stack["executing"] = None
        stack["status"], stack["reason"] = status, reason
        self.stacks.put(stack)
        self.stacks.add_event(
            stack,
            stack["name"],
            "AWS::CloudFormation::Stack",
            status,
            PhysicalResourceId=stack["id"],
            ResourceStatusReason=reason,
            ClientRequestToken=token,
        )

    # Walking over resources

    async def _walk(
        self, waits: Graph, visit: Callable[[str], Coroutine[Any, Any, None]], *, go_on: bool = False
    ) -> dict[str, str]:
        """Visit each name after all that it waits for; gives the failures with their reasons.

        After a failure nothing new is begun, unless `go_on`; what runs is waited for.
        """
        left = {name: needs & waits.keys() for name, needs in waits.items()}
        running: dict[asyncio.Task[None], str] = {}
        failures: dict[str, str] = {}
        timer = self._timer()
        try:
            while True:
                self._current()
                if go_on or not failures:
                    for name in [name for name, needs in left.items() if not needs]:
                        del left[name]
                        running[asyncio.create_task(visit(name))] = name
                if not running:
                    return failures
                watched = {*running, timer} if timer else {*running}
                done, _pending = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
                if timer in done:
                    await _cancel([*running])
                    self.steps.give_up(running.values())
                    return failures | {"": TIMED_OUT}
                for task in done:
                    name = running.pop(task)  # type: ignore[arg-type]
                    try:
                        task.result()
                    except ResourceFailedError as failure:
                        failures[name] = failure.reason
                    else:
                        for needs in left.values():
                            needs.discard(name)
        except SupersededError:
            # What is being made must be on record before other work takes over.
            await asyncio.gather(*running, return_exceptions=True)
            raise
        finally:
            await _cancel([*running, *([timer] if timer else [])])

    def _timer(self) -> asyncio.Task[None] | None:
        """Ends when the time that creation may take is over."""
        deadline = self.stack["work"].get("deadline")
        if deadline is None or self.stack["work"]["phase"] != "create":
            return None
        clock = self.cloud.store.clock
        return asyncio.create_task(clock.sleep(max(0.0, deadline - clock.time())))

    # Scopes

    def scope(self, plan: Record, *, masked: bool = False) -> Scope:
        """The scope of the stack's functions; `masked` hides what must not be shown."""
        rows = Rows(self.stacks, self.stack["id"])
        scope = scope_of(self.cloud, self.stacks, self.stack, plan, rows)
        look_up = scope.imports
        where = self.stack["account"], self.stack["region"]

        def imported(name: str) -> Any:
            found = look_up(name)
            # At once, so that the export cannot go away while it is being used.
            self.stacks.add_import(where, self.stack["id"], name)
            return found

        scope.imports = imported
        return mask(scope, plan) if masked else scope

    def _prepare(self, plan: Record) -> Graph:
        """Take up a plan; gives what each of its resources waits for."""
        self.tags = plan["tags"]
        scope = self.scope(plan)
        scope.evaluate_conditions()
        resources = graph.active(plan["processed"], "Resources", scope.conditions)
        waits = graph.dependencies(resources)
        secret = any(is_secret(plan["processed"], name) for name in plan["values"])
        self.steps.take(scope, self.scope(plan, masked=True) if secret else scope, resources, waits)
        return waits

    # Creating and updating

    async def _create(self) -> None:
        waits = self._prepare(self.stack["plan"])
        failures = self._missing_alarms() or await self._walk(waits, self.steps.create)
        outputs: list[Record] = []
        if not failures:
            failures, outputs = await self._conclude()
        if not failures:
            self._finish("CREATE_COMPLETE", outputs=outputs)
            return
        reason = _reason(self.stacks.resources(self.stack["id"]), failures)
        if self.stack["work"].get("on_failure", "ROLLBACK") == "DO_NOTHING":
            self._finish("CREATE_FAILED", reason)
            return
        self.stack["deleted"] = self.cloud.store.clock.time()
        self.stacks.put(self.stack)
        self._enter("rollback_create", "ROLLBACK_IN_PROGRESS", f"{reason}Rollback requested by user.")

    async def _update(self) -> None:
        waits = self._prepare(self.stack["plan"])
        lost = self.stacks.resources(self.stack["id"]).keys() - waits.keys()
        refused = {name: self.steps.refuse_removal(name) for name in sorted(lost)}
        failures = {name: reason for name, reason in refused.items() if reason is not None}
        failures = failures or self._missing_alarms() or await self._walk(waits, self.steps.update)
        outputs: list[Record] = []
        if not failures:
            failures, outputs = await self._conclude()
        rows = self.stacks.resources(self.stack["id"])
        if failures:
            reason = _reason(rows, failures)
            if self.stack["work"].get("on_failure", "ROLLBACK") == "DO_NOTHING":
                self._finish("UPDATE_FAILED", reason)
                return
            self._enter("rollback_update", "UPDATE_ROLLBACK_IN_PROGRESS", reason)
            return
        for logical_id, row in rows.items():
            row["removed"] = logical_id not in waits
            if (row.get("old") or {}).get("replaced"):
                row["discard"] = [*row.get("discard", []), row["old"]]
            row |= {"old": None, "fresh": False}
            self.stacks.put_resource(self.stack["id"], row)
        self.stack = self._current()
        self.stack["outputs"] = outputs
        self.stacks.put(self.stack)
        self._enter("cleanup", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", ends="UPDATE_COMPLETE")

    def _missing_alarms(self) -> dict[str, str]:
        """The failure of a stack whose rollback triggers are not there: CloudWatch has no alarms here.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_RollbackConfiguration.html
        """
        triggers = self.stack["plan"].get("rollback", {}).get("RollbackTriggers", [])
        missing = ", ".join(trigger["Arn"] for trigger in triggers)
        return {"": f"Rollback trigger(s) do not exist: [{missing}]"} if missing else {}

    async def _conclude(self) -> tuple[dict[str, str], list[Record]]:
        """Outputs, exports and imports of what was made; or why they cannot be."""
        plan = self.stack["plan"]
        where = self.stack["account"], self.stack["region"]
        try:
            scope = self.scope(plan)
            outputs = await self._outputs(scope, plan)
            exports = {row["ExportName"]: row["OutputValue"] for row in outputs if "ExportName" in row}
            self._check_exports(exports)
            imports = {scope.resolve_text(name, "Fn::ImportValue") for name in _imports(plan, scope)}
        except AwsError as failure:
            return {"": failure.message}, []
        self.stacks.set_exports(where, self.stack["id"], exports)
        self.stacks.set_imports(where, self.stack["id"], imports)
        return {}, outputs

    async def _outputs(self, scope: Scope, plan: Record) -> list[Record]:
        found: list[Record] = []
        scope.evaluate_conditions()
        for name, output in graph.active(plan["processed"], "Outputs", scope.conditions).items():
            value = await self.dynamic(scope.resolve(output["Value"]))
            if value is NO_VALUE:
                continue
            if isinstance(value, dict | list):
                raise format_error("The Value field of every Outputs member must evaluate to a String.")
            row = {"OutputKey": name, "OutputValue": text(value)}
            if output.get("Description"):
                row["Description"] = str(output["Description"])
            if output.get("Export"):
                row["ExportName"] = scope.resolve_text(output["Export"].get("Name"), "Export")
            found.append(row)
        return found

    def _check_exports(self, exports: dict[str, str]) -> None:
        where = self.stack["account"], self.stack["region"]
        for name in exports:
            other = self.stacks.export(where, name)
            if other is not None and other[0] != self.stack["id"]:
                raise error(f"Export with name {name} is already exported by stack {_name(other[0])}.")
        for name, value in self.stacks.exports_of(self.stack["id"]).items():
            users = [stack_id for stack_id in self.stacks.importers(where, name)
                     if stack_id != self.stack["id"]]  # fmt: skip
            if not users or exports.get(name) == value:
                continue
            by = " and ".join(_name(user) for user in users)
            if name in exports:
                raise error(f"Export {name} cannot be updated as it is in use by {by}")
            raise error(f"Delete canceled. Cannot delete export {name} as it is in use by {by}.")

    # Taking away

    async def _rollback_create(self) -> None:
        failures = await self._take_away()
        if failures:
            self._finish("ROLLBACK_FAILED", _not_deleted(failures))
            return
        self.stacks.set_imports((self.stack["account"], self.stack["region"]), self.stack["id"], set())
        if self.stack["work"].get("on_failure") == "DELETE":
            self._enter("delete", "DELETE_IN_PROGRESS")
            return
        self._finish("ROLLBACK_COMPLETE")

    async def _delete(self) -> None:
        where = self.stack["account"], self.stack["region"]
        try:
            self._check_exports({})
        except AwsError as failure:
            # The stack is again what it was, as aws/aws-sdk#383 and boto/boto3#4192 tell of AWS.
            self._finish(self.stack["work"].get("before", "DELETE_FAILED"), failure.message)
            return
        self.stack = self._current()
        self.stack["deleted"] = self.cloud.store.clock.time()
        self.stacks.put(self.stack)
        self.stacks.set_exports(where, self.stack["id"], {})
        failures = await self._take_away()
        if failures:
            self._finish("DELETE_FAILED", _not_deleted(failures))
            return
        self.stacks.set_imports(where, self.stack["id"], set())
        for record in self.stacks.change_sets(self.stack["id"]):
            if not record["execution"].startswith("EXECUTE_"):
                self.stacks.drop_change_set(record["id"])
        self._finish("DELETE_COMPLETE", executing=None)

    async def _take_away(self) -> dict[str, str]:
        """Delete all resources, those that need others before them."""
        rows = self.stacks.resources(self.stack["id"])
        left = {name: row for name, row in rows.items() if row["status"] not in _GONE}
        return await self._walk(_reversed(left), self.steps.delete, go_on=True)

    # After an update

    async def _rollback_update(self) -> None:
        previous = self.stack["previous"]
        self._prepare(previous)
        rows = self.stacks.resources(self.stack["id"])
        changed = {name: set(row["old"]["needs"]) for name, row in rows.items() if row.get("old")}
        failures = await self._walk(changed, self.steps.restore)
        if failures:
            names = ", ".join(sorted(failures))
            self._finish("UPDATE_ROLLBACK_FAILED", f"The following resource(s) failed to update: [{names}]. ")
            return
        for row in self.stacks.resources(self.stack["id"]).values():
            row["removed"] = bool(row.get("fresh"))
            row["fresh"] = False
            if row["status"] == "UPDATE_FAILED":
                self.steps.stand(row)
            self.stacks.put_resource(self.stack["id"], row)
        where = self.stack["account"], self.stack["region"]
        scope = self.scope(previous)
        self.stacks.set_imports(
            where,
            self.stack["id"],
            {scope.resolve_text(name, "Fn::ImportValue") for name in _imports(previous, scope)},
        )
        self.stack = self._current()
        self.stack["plan"] = previous
        self.stacks.put(self.stack)
        self._enter(
            "cleanup",
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            ends="UPDATE_ROLLBACK_COMPLETE",
        )

    async def _cleanup(self) -> None:
        rows = self.stacks.resources(self.stack["id"])
        left = {name: row for name, row in rows.items() if row.get("removed") or row.get("discard")}
        await self._walk(_reversed(left), self.steps.clean, go_on=True)
        self._finish(self.stack["work"]["ends"])

    async def dynamic(self, value: Any) -> Any:
        """A resolved value with its dynamic references read."""
        return await resolve_dynamic(value, self._fetch)

    async def _fetch(self, service: str, name: str, version: str) -> str:
        return localizer(self.cloud)(await self.reader.fetch(service, name, version))


_GONE = ("DELETE_COMPLETE", "DELETE_SKIPPED")


def _name(stack_id: str) -> str:
    return stack_id.split("/")[1]


def _reversed(rows: dict[str, Record]) -> Graph:
    """What each waits for when taken away: all that need it."""
    waits: Graph = {name: set() for name in rows}
    for name, row in rows.items():
        needs = set(row.get("needs", []))
        for old in row.get("discard", []):
            needs |= set(old.get("needs", []))
        for need in needs & rows.keys() - {name}:
            waits[need].add(name)
    # Old and new needs together may lead in a circle; then no order is right, and any will do.
    try:
        graph.check_circle(waits)
    except AwsError:
        return {name: set() for name in rows}
    return waits


def _reason(rows: dict[str, Record], failures: dict[str, str]) -> str:
    """The stack's sentence about what failed."""
    if "" in failures:
        return f"{failures[''].rstrip('.')}. "
    sentences = ""
    created = [name for name in sorted(failures) if rows.get(name, {}).get("status") == "CREATE_FAILED"]
    updated = sorted(failures.keys() - set(created))
    for names, verb in ((created, "create"), (updated, "update")):
        if names:
            sentences += f"The following resource(s) failed to {verb}: [{', '.join(names)}]. "
    return sentences


def _not_deleted(failures: dict[str, str]) -> str:
    return f"The following resource(s) failed to delete: [{', '.join(sorted(failures))}]. "


def _imports(plan: Record, scope: Scope) -> Iterator[Any]:
    """Arguments of all Fn::ImportValue that count."""
    scope.evaluate_conditions()
    for block in ("Resources", "Outputs"):
        yield from _import_arguments(graph.active(plan["processed"], block, scope.conditions))


def _import_arguments(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _import_arguments(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name == "Fn::ImportValue":
                yield item
            yield from _import_arguments(item)


async def _cancel(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
