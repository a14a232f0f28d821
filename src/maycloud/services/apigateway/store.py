"""What API Gateway keeps: APIs, deployments, stages, accounts.

An API is one document with AWS's own member names:

    {"id", "name", …, "rootResourceId",
     "resources": {id: {"id", "parentId"?, "pathPart"?, "path", "resourceMethods": {"GET": Method}}},
     "models": {name: Model}, "requestValidators": {id: …}, "authorizers": {id: …},
     "gatewayResponses": {type: …}}

A Method holds its ``methodResponses`` by status code and its ``methodIntegration``, which holds its
``integrationResponses`` by status code. `createdDate` is in epoch seconds. A deployment is
``{"id", "description"?, "createdDate", "snapshot": the API's document then}`` and never changes but in
its description.
"""

import contextlib
import copy
import importlib
import secrets
import string
from typing import Any

from maycloud.services.apigateway.key_store import Keys
from maycloud.services.apigateway.plans import StagePlan, canary_stage, make_plan
from maycloud.services.base import Cloud
from maycloud.store import Document, Scope

_LETTERS = string.ascii_lowercase + string.digits
_NOWHERE: Scope = ("", "")  # API ids are unique in the whole cloud: one index for all scopes


def new_id(length: int = 10) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


class Gateway:
    """API Gateway's state in one cloud. Documents that `find_stage` and `api` give are not to be changed."""

    def __init__(self, cloud: Cloud) -> None:
        store = cloud.store
        self._cloud = cloud
        self._apis = store.documents("apigateway.apis")
        self._owners = store.documents("apigateway.owners")
        self._deployments = store.documents("apigateway.deployments")
        self._stages = store.documents("apigateway.stages")
        self._accounts = store.documents("apigateway.accounts")
        self._found = store.db.cache()  # (api, stage): what find_stage gives
        self._snapshots = store.db.cache()  # (api, deployment): snapshot
        self._documents = store.db.cache()  # api: (scope, document)
        self._plans: dict[tuple[str, str], StagePlan] = store.db.cache()  # by API and stage
        self.keys = Keys(cloud)
        self.plane: Any = None  # what serves the APIs, once the cloud has started

    def start(self) -> None:
        """Take the requests of the APIs' own addresses."""
        package = "maycloud.services.apigateway"
        service = importlib.import_module(f"{package}.api").service
        self.plane = importlib.import_module(f"{package}.dataplane").register(self._cloud, self, service)

    # For the data plane

    def find_stage(self, api_id: str, stage: str) -> tuple[Scope, Document, Document, Document] | None:
        """Owner, API as it is now, stage, and the API as it was when the stage's deployment was made."""
        key = api_id, stage
        found = self._found.get(key)
        if found is None:
            found = self._read_stage(api_id, stage)
            if found is not None:
                self._found[key] = found
        return found

    def plan(self, api_id: str, stage: str) -> StagePlan | None:
        """What a stage serves; None if there is no such stage."""
        key = api_id, stage
        plan = self._plans.get(key)
        if plan is None:
            found = self.find_stage(api_id, stage)
            if found is not None:
                scope, _, document, deployment = found
                plan = make_plan(scope, api_id, document, deployment)
                self._add_canary(plan)
                self._plans[key] = plan
        return plan

    def _add_canary(self, plan: StagePlan) -> None:
        settings = plan.stage.get("canarySettings")
        if settings is None or not settings["percentTraffic"]:
            return
        snapshot = self._snapshot(plan.scope, plan.api, settings["deploymentId"])
        if snapshot is None:
            return
        plan.canary = make_plan(plan.scope, plan.api, canary_stage(plan.stage), snapshot)
        plan.canary.is_canary = True
        plan.percent = settings["percentTraffic"]

    def _read_stage(self, api_id: str, stage: str) -> tuple[Scope, Document, Document, Document] | None:
        owned = self.api(api_id)
        if owned is None:
            return None
        scope, document = owned
        found = self._stages.get(scope, f"{api_id}/{stage}")
        if found is None:
            return None
        snapshot = self._snapshot(scope, api_id, found["deploymentId"])
        return None if snapshot is None else (scope, document, found, snapshot)

    def _snapshot(self, scope: Scope, api_id: str, deployment: str) -> Document | None:
        key = api_id, deployment
        snapshot = self._snapshots.get(key)
        if snapshot is None:
            found = self._deployments.get(scope, f"{api_id}/{deployment}")
            if found is None:
                return None
            snapshot = self._snapshots[key] = found["snapshot"]
        return snapshot

    def api(self, api_id: str) -> tuple[Scope, Document] | None:
        """Owner and document of an API by its id alone."""
        found = self._documents.get(api_id)
        if found is None:
            owner = self._owners.get(_NOWHERE, api_id)
            if owner is None:
                return None
            scope = owner["account"], owner["region"]
            document = self._apis.get(scope, api_id)
            if document is None:
                return None
            found = self._documents[api_id] = scope, document
        return found

    # APIs

    def apis(self, scope: Scope) -> list[Document]:
        return [document for _, document in self._apis.items(scope)]

    def editable(self, scope: Scope, api_id: str) -> Document | None:
        """A copy of an API of this scope, to change and to `save`."""
        found = self.api(api_id)
        return copy.deepcopy(found[1]) if found is not None and found[0] == scope else None

    def create(self, scope: Scope, document: Document) -> None:
        self._owners.put(_NOWHERE, document["id"], {"account": scope[0], "region": scope[1]})
        self.save(scope, document)

    def fresh_api_id(self) -> str:
        api_id = new_id()
        while self._owners.get(_NOWHERE, api_id) is not None:
            api_id = new_id()
        return api_id

    def save(self, scope: Scope, document: Document) -> None:
        self._apis.put(scope, document["id"], document)
        self._forget(document["id"])

    def delete(self, scope: Scope, api_id: str) -> None:
        """An API with its stages and deployments."""
        self._apis.delete(scope, api_id)
        self._owners.delete(_NOWHERE, api_id)
        self._deployments.delete_below(scope, f"{api_id}/")
        self._stages.delete_below(scope, f"{api_id}/")
        self._forget(api_id)
        self.plane.caches.forget(api_id)

    def _forget(self, api_id: str) -> None:
        with contextlib.suppress(KeyError):
            del self._documents[api_id]
        for kept in (self._found, self._plans):
            for key in [key for key in kept if key[0] == api_id]:
                del kept[key]

    # Deployments and stages

    def deployments(self, scope: Scope, api_id: str) -> list[Document]:
        """In order of their making."""
        found = [document for _, document in self._deployments.items(scope, f"{api_id}/")]
        return sorted(found, key=lambda each: (each["createdDate"], each["id"]))

    def deployment(self, scope: Scope, api_id: str, deployment: str) -> Document | None:
        return self._deployments.get(scope, f"{api_id}/{deployment}")

    def put_deployment(self, scope: Scope, api_id: str, deployment: Document) -> None:
        self._deployments.put(scope, f"{api_id}/{deployment['id']}", deployment)

    def delete_deployment(self, scope: Scope, api_id: str, deployment: str) -> None:
        self._deployments.delete(scope, f"{api_id}/{deployment}")
        self._snapshots.pop((api_id, deployment), None)

    def stages(self, scope: Scope, api_id: str) -> list[Document]:
        return [document for _, document in self._stages.items(scope, f"{api_id}/")]

    def stage(self, scope: Scope, api_id: str, name: str) -> Document | None:
        return self._stages.get(scope, f"{api_id}/{name}")

    def put_stage(self, scope: Scope, api_id: str, stage: Document) -> None:
        self._stages.put(scope, f"{api_id}/{stage['stageName']}", stage)
        self._forget(api_id)
        if not stage.get("cacheClusterEnabled"):
            self.plane.caches.flush(api_id, stage["stageName"])

    def delete_stage(self, scope: Scope, api_id: str, name: str) -> None:
        self._stages.delete(scope, f"{api_id}/{name}")
        self._forget(api_id)
        self.plane.caches.flush(api_id, name)

    # Accounts

    def account(self, scope: Scope) -> Document:
        return self._accounts.get(scope, "account") or {}

    def put_account(self, scope: Scope, settings: Document) -> None:
        self._accounts.put(scope, "account", settings)


def all_methods(api: Document) -> list[tuple[dict[str, Any], str, dict[str, Any]]]:
    """Resource, HTTP method and Method of all that an API has, by path."""
    return [
        (resource, name, resource["resourceMethods"][name])
        for resource in sorted(api["resources"].values(), key=lambda each: each["path"])
        for name in sorted(resource.get("resourceMethods") or {})
    ]
