"""The services of a cloud, each loaded when it is first needed.

Importing all of them takes most of a start. A service that has served this data folder before is loaded
when the cloud starts, for it may have work to go on with; the others wait for their first request.
"""

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from maycloud.services.base import Service

if TYPE_CHECKING:
    from maycloud.cloud import Cloud

# botocore's name of a service: the module that declares it
SERVICES = {
    "apigateway": "maycloud.services.apigateway.api",
    "cloudformation": "maycloud.services.cloudformation.api",
    "cloudfront": "maycloud.services.cloudfront.api",
    "cloudwatch": "maycloud.services.cloudwatch.api",
    "cognito-identity": "maycloud.services.cognito_identity.api",
    "cognito-idp": "maycloud.services.cognito_idp.api",
    "dax": "maycloud.services.dax.api",
    "dynamodb": "maycloud.services.dynamodb.api",
    "dynamodbstreams": "maycloud.services.dynamodb.streams_api",
    "iam": "maycloud.services.iam.api",
    "lambda": "maycloud.services.lambda_.api",
    "logs": "maycloud.services.logs.api",
    "s3": "maycloud.services.s3.api",
    "ssm": "maycloud.services.ssm.api",
    "sts": "maycloud.services.sts.api",
}
# Labels of hosts and beginnings of paths that are no API of AWS: the service that takes them
DATA_PLANES = {
    "/_aws/cloudformation/": "cloudformation",
    "/_aws/cloudfront/": "cloudfront",
    "/_aws/cognito-identity/": "cognito-identity",
    "/_aws/cognito/": "cognito-idp",
    "/_aws/execute-api/": "apigateway",
    "/_aws/lambda/": "lambda",
    "auth": "cognito-idp",
    "cloudfront": "cloudfront",
    "cognito-idp": "cognito-idp",
    "execute-api": "apigateway",
}


def load_service(name: str) -> Service:
    """A service's declaration. Raises KeyError for what is no service here."""
    return importlib.import_module(SERVICES[name]).service


class Services:
    """Declarations by botocore's name, and the state that each keeps in this cloud."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._db = cloud.store.db
        self._states: dict[str, Any] = {}
        self.loaded: set[str] = set()
        self._started = False
        # Those whose tables are there. A rollback may take tables made in the same tick with it, and empties
        # this as it does every cache: the next look makes them again.
        self._ready: dict[str, Service] = self._db.cache()

    def __getitem__(self, name: str) -> Service:
        service = self._ready.get(name)
        return service if service is not None else self._prepare(name)

    def get(self, name: str) -> Service | None:
        return self[name] if name in SERVICES else None

    def __contains__(self, name: object) -> bool:
        return name in SERVICES

    def __iter__(self) -> Iterator[str]:
        return iter(SERVICES)

    def __len__(self) -> int:
        return len(SERVICES)

    def _prepare(self, name: str) -> Service:
        service = load_service(name)
        self._db.migrate(name, service.schema)
        self._ready[name] = service
        self.loaded.add(name)
        if name not in self._states and service.state is not None:
            state = self._states[name] = service.state(self._cloud)
            if self._started and hasattr(state, "start"):
                state.start()
        return service

    def state(self, name: str) -> Any:
        """A service's state object. Raises KeyError where it keeps none."""
        if name not in self._ready:
            self._prepare(name)
        return self._states[name]

    def wake(self, plane: str) -> None:
        """Load the service that takes requests for a host's label or a path, if there is one."""
        for beginning, name in DATA_PLANES.items():
            if plane == beginning or (beginning[0] == "/" and plane.startswith(beginning)):
                _ = self[name]

    async def start(self) -> None:
        """Load what this data folder has seen before, and let it go on with its work."""
        for name in SERVICES:
            if self._db.is_migrated(name):
                _ = self[name]
        self._started = True
        for state in list(self._states.values()):
            if hasattr(state, "start"):
                state.start()
            if hasattr(state, "resume"):
                await state.resume()

    async def stop(self) -> None:
        for state in reversed(self._states.values()):
            if hasattr(state, "stop"):
                await state.stop()
