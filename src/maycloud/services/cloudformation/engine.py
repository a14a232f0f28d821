"""Work on stacks: begun by an operation, carried on from the store after a crash.

A stack at work has ``work``: ``id``, ``phase`` (see run.Run), ``principal`` (who asked) and options of
the operation. One row in the outbox drives it; everything done is noted in the resources' records in the
transaction in which it is done, so that a second run of the same work goes on where the first one ended.
"""

import asyncio
import logging
import uuid
from dataclasses import asdict
from typing import Any, cast

from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.services.base import Cloud
from maycloud.services.cloudformation.run import Run, SupersededError
from maycloud.services.cloudformation.signals import Signals
from maycloud.services.cloudformation.store import Record, Stacks
from maycloud.store import Delivery

log = logging.getLogger("maycloud.cloudformation")

QUEUE = "cloudformation"
STACK = "AWS::CloudFormation::Stack"
SERVICE = "cloudformation.amazonaws.com"


class Engine:
    """CloudFormation's state in one cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.stacks = Stacks(cloud.store)
        self.signals = Signals(cloud)
        self._principals: dict[str, Principal] = {}  # of works begun by this process
        self._locks: dict[str, asyncio.Lock] = {}
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        cloud.store.outbox.consume(QUEUE, self._consume)

    def begin(
        self, stack: Record, phase: str, status: str, principal: Principal, reason: str = "", **options: Any
    ) -> None:
        """Set the stack to `status` and start work on it, instead of any work there is."""
        work_id = str(uuid.uuid4())
        stack["work"] = {
            "id": work_id,
            "phase": phase,
            "principal": _record(principal),
            **options,
        }
        self._principals[work_id] = principal
        self.set_status(stack, status, reason or "User Initiated")
        self.cloud.store.outbox.put(QUEUE, {"stack": stack["id"], "work": work_id})

    def set_status(self, stack: Record, status: str, reason: str = "") -> None:
        """Save the stack with a status and add the event that tells it."""
        stack["status"], stack["reason"] = status, reason
        self.stacks.put(stack)
        self.stacks.add_event(
            stack,
            stack["name"],
            STACK,
            status,
            PhysicalResourceId=stack["id"],
            ResourceStatusReason=reason,
            ClientRequestToken=(stack.get("work") or {}).get("client_token", ""),
        )

    def adopt(self, stack_id: str, parent_id: str) -> None:
        """Note that a stack is nested in another."""
        stack, parent = self.stacks.get(stack_id), self.stacks.get(parent_id)
        if stack is not None and parent is not None:
            stack |= {"parent": parent_id, "root": parent.get("root") or parent_id}
            self.stacks.put(stack)

    async def _consume(self, delivery: Delivery) -> None:
        stack_id, work_id = delivery.payload["stack"], delivery.payload["work"]
        async with self._locks.setdefault(stack_id, asyncio.Lock()):
            stack = self.stacks.get(stack_id)
            if stack is not None and (stack.get("work") or {}).get("id") == work_id:
                principal = await self._principal(stack)
                try:
                    await Run(self, stack, principal).go()
                except SupersededError:
                    log.info("work on %s was replaced by other work", stack_id)
        # The work's end shows to those who wait only once it is durable.
        await self.cloud.store.db.committed()
        self._principals.pop(work_id, None)
        for future in self._waiting.pop(stack_id, []):
            if not future.done():
                future.set_result(None)

    async def finished(self, stack_id: str) -> Record | None:
        """The stack, once no work is going on."""
        while True:
            stack = self.stacks.get(stack_id)
            if stack is None or not stack.get("work"):
                return stack
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(stack_id, []).append(future)
            await future

    async def _principal(self, stack: Record) -> Principal:
        """Who the work is done as: the stack's role if it has one, else the caller."""
        work = stack["work"]
        if stack.get("role_arn"):
            return await self._role(stack)
        live = self._principals.get(work["id"])
        if live is not None:
            return live
        recorded = work["principal"]
        if recorded["access_key"]:
            # After a restart: the credential's own principal, with the policies that it has now.
            credential = cast("Any", self.cloud).access.identities.credential(recorded["access_key"])
            if credential is not None:
                return credential.principal
        return Principal(**{**recorded, "session_policies": tuple(recorded["session_policies"])})

    async def _role(self, stack: Record) -> Principal:
        role = await self.assume(stack["role_arn"], stack["account"], stack["region"])
        # Each resource will fail with what a role that is gone may not do.
        return role or Principal("anonymous", stack["account"], stack["role_arn"], stack["role_arn"])

    async def assume(self, role_arn: str, account: str, region: str) -> Principal | None:
        """The service in a role; None where the role does not let it."""
        try:
            session = await self.cloud.call(
                "sts",
                "AssumeRole",
                {"RoleArn": role_arn, "RoleSessionName": "AWSCloudFormation"},
                as_=Principal.service(SERVICE, account),
                region=region,
            )
        except AwsError as failure:
            log.warning("role %s cannot be assumed: %s", role_arn, failure)
            return None
        key = session["Credentials"]["AccessKeyId"]
        return cast("Any", self.cloud).access.identities.credential(key).principal


def _record(principal: Principal) -> dict[str, Any]:
    return asdict(principal)
