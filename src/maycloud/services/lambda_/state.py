"""What Lambda keeps per cloud: packages, environments, credentials of roles, logs and metrics of runs."""

import asyncio
import hashlib
import hmac
import logging
import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from maycloud.edge.messages import Request, Response
from maycloud.errors import AwsError
from maycloud.services.base import Call, Cloud
from maycloud.services.lambda_ import destinations, invocation
from maycloud.services.lambda_.code import Packages
from maycloud.services.lambda_.invocation import Target
from maycloud.services.lambda_.metrics import Metrics
from maycloud.services.lambda_.runtime.environments import Environments, Spec
from maycloud.services.lambda_.runtime.runtime_api import PATH as RUNTIME_PATH
from maycloud.services.lambda_.runtime.runtime_api import RuntimeApi
from maycloud.services.lambda_.store import Functions, Reference
from maycloud.services.tokens import is_number
from maycloud.store import Delivery
from maycloud.store.clock import Timer

log = logging.getLogger("maycloud.lambda")

CREDENTIAL_LIFE = 12 * 3600  # seconds; environments are made anew after half of it
IDLE = 600.0  # seconds after which an idle environment ends
PRUNE_EVERY = 30.0
WARM_AFTER = 1.0  # seconds after the start until provisioned environments are started again
MAX_READY = 100  # environments that this machine keeps ready for one version or alias
SWEEP_EVERY = 3600.0

CODE_PATH = "/_aws/lambda/code/"


class Lambda:
    """Per-cloud state of the service."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.clock = cloud.store.clock
        self.packages = Packages(cloud.store)
        self.functions = Functions(cloud.store)
        self.layers = cloud.store.documents("lambda.layers")
        self.running: dict[Any, int] = {}
        self.metrics = Metrics(cloud)
        runtime_api = RuntimeApi(lambda: cloud.url.partition("//")[2])
        self.environments = Environments(cloud.store.folder, self._on_log, runtime_api)
        cloud.serve_path(RUNTIME_PATH, runtime_api.handle)
        self._specs: dict[Any, Spec] = cloud.store.db.cache()
        self._loggable: dict[str, bool] = {}
        self._warming: set[Any] = set()
        self._problems: dict[Any, str] = {}  # of provisioned concurrency
        self._link_key = os.urandom(32)
        self._timer: Timer | None = None
        self._sweep_at = 0.0
        cloud.store.outbox.consume(invocation.QUEUE, self._deliver)
        cloud.serve_path(CODE_PATH, self._serve_code)

    def start(self) -> None:
        self.environments.start()
        self.metrics.start()
        self._timer = self.clock.call_later(WARM_AFTER, self._prune)

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.metrics.stop()
        await self.packages.stop()
        await self.environments.stop()

    # Provisioned concurrency

    def warm_soon(self, name: Reference) -> None:
        """Start what a version or alias is to have ready, once its configuration is committed."""
        if self.functions.provisions(name).get(name.qualifier or ""):
            self._cloud.spawn(self._warm(name))

    async def _warm(self, name: Reference) -> None:
        await self._cloud.store.db.committed()
        where = (name.scope, name.name, name.qualifier)
        if where in self._warming:
            return
        self._warming.add(where)
        try:
            done: Any = None
            while (wanted := self._wanted(name)) is not None and wanted != done:
                spec, count = wanted
                if not await self.environments.warm(spec, count):
                    self._problems[where] = "FUNCTION_ERROR_INIT_FAILURE"
                    return
                done = wanted
            self._problems.pop(where, None)
        finally:
            self._warming.discard(where)

    def _wanted(self, name: Reference) -> tuple[Spec, int] | None:
        """What is to be ready for a version or alias, as it is configured now."""
        config = self.functions.provisions(name).get(name.qualifier or "")
        spec = self._provisioned_spec(name)
        return (spec, min(config["Requested"], MAX_READY)) if config and spec else None

    def _provisioned_spec(self, name: Reference) -> Spec | None:
        try:
            version, configuration = self.functions.resolve(name)
            settings = self.functions.function(name)
            spec = self.spec(Target(name, version, configuration, settings))
        except AwsError:
            return None
        said = {"AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"}
        return replace(spec, environment=spec.environment | said)

    def readiness(self, name: Reference) -> tuple[int, str]:
        """How many environments a version or alias has, and what keeps it from having more."""
        spec = self._provisioned_spec(name)
        problem = self._problems.get((name.scope, name.name, name.qualifier), "")
        return (self.environments.count(spec.key) if spec is not None else 0), problem

    def _prune(self) -> None:
        kept: set[str] = set()
        for scope, id_, _ in self.functions.provisioned.everywhere():
            function, _, qualifier = id_.partition("/")
            name = Reference(*scope, function, qualifier)
            spec = self._provisioned_spec(name)
            if spec is not None:
                kept.add(spec.key)
                self.warm_soon(name)
        self._cloud.spawn(self.environments.prune(IDLE, kept))
        if self.clock.time() >= self._sweep_at:
            self._sweep_at = self.clock.time() + SWEEP_EVERY
            self._cloud.spawn(asyncio.to_thread(self.packages.sweep, self._used_packages()))
        self._timer = self.clock.call_later(PRUNE_EVERY, self._prune)

    def _used_packages(self) -> set[str]:
        """Digests of the packages of all versions and layers, and of what still runs."""
        used = self.environments.packages()
        for _, _, body in self.functions.versions.everywhere():
            used |= {body["Digest"], *body.get("LayerDigests", ())}
        return used | {body["Digest"] for _, _, body in self.layers.everywhere()}

    async def _deliver(self, delivery: Delivery) -> None:
        await invocation.deliver(self, delivery)

    def internal_call(self, account: str, region: str) -> Call:
        """A call of the service itself, to find functions with."""
        from maycloud.services.lambda_.api import service

        principal = invocation.as_lambda(account)
        operation = service.operations["Invoke"]
        return Call(self._cloud, service, operation, principal, account, region, "")

    # Running

    def role_credentials(self, role: str, session: str) -> Any:
        """Credentials of a role that Lambda may assume. Raises InvalidParameterValueException."""
        identities = self._cloud.access.identities
        return identities.role_session(role, session, CREDENTIAL_LIFE, "lambda.amazonaws.com")

    def spec(self, target: Target) -> Spec:
        """How to run a version: made once per revision and per half life of its credentials."""
        configuration = target.configuration
        half = int(self.clock.time() // (CREDENTIAL_LIFE / 2))
        build = configuration.get("Build", configuration["RevisionId"])
        key = (target.name.scope, target.name.name, target.version, build, half)
        spec = self._specs.get(key)
        if spec is None:
            spec = self._specs[key] = self._make_spec(target, half)
        return spec

    def _make_spec(self, target: Target, half: int) -> Spec:
        name, configuration = target.name, target.configuration
        build = configuration.get("Build", configuration["RevisionId"])
        credential = self.role_credentials(configuration["Role"], name.name)
        variables: dict[str, str] = dict(configuration.get("Environment", {}).get("Variables", {}))
        variables |= {
            "AWS_ACCESS_KEY_ID": credential.principal.access_key,
            "AWS_SECRET_ACCESS_KEY": credential.secret,
            "AWS_SESSION_TOKEN": credential.token,
            "AWS_REGION": name.region,
            "AWS_DEFAULT_REGION": name.region,
            "AWS_ENDPOINT_URL": self._cloud.url,
        }
        arn = f"{name.arn}:{name.qualifier}" if name.qualifier else name.arn
        day = datetime.fromtimestamp(self.clock.time(), UTC).strftime("%Y/%m/%d")
        return Spec(
            key=f"{name.arn}:{target.version}:{build}:{half}",
            runtime=configuration["Runtime"],
            handler=configuration["Handler"],
            folder=self.packages.folder(configuration["Digest"]),
            layers=tuple(self.packages.folder(each) for each in configuration.get("LayerDigests", [])),
            environment=variables,
            memory=configuration["MemorySize"],
            storage=configuration["EphemeralStorage"]["Size"],
            timeout=float(configuration["Timeout"]),
            name=name.name,
            version=target.version,
            arn=arn,
            log_group=configuration["LoggingConfig"]["LogGroup"],
            log_stream=f"{day}/[{target.version}]{os.urandom(16).hex()}",
            region=name.region,
            json_logs=configuration["LoggingConfig"]["LogFormat"] == "JSON",
            application_level=configuration["LoggingConfig"].get("ApplicationLogLevel", ""),
            system_level=configuration["LoggingConfig"].get("SystemLogLevel", "INFO"),
        )

    def retire(self, name: Reference, version: str) -> None:
        """A version changed: its environments end once they are idle."""
        self._specs.clear()
        self._cloud.spawn(self.environments.retire(f"{name.arn}:{version}:"))

    def _on_log(self, spec: Spec, stream: str, lines: list[tuple[int, str]]) -> None:
        """Write a run's lines, if the function's role may; AWS drops them otherwise, and says nothing."""
        account, region = spec.arn.split(":")[4], spec.arn.split(":")[3]
        allowed = self._loggable.get(spec.key)
        if allowed is None:
            allowed = self._loggable[spec.key] = self._may_log(spec, account, region)
        if allowed:
            self._cloud.state("logs").write((account, region), spec.log_group, stream, lines)

    def _may_log(self, spec: Spec, account: str, region: str) -> bool:
        credential = self._cloud.access.identities.credential(spec.environment["AWS_ACCESS_KEY_ID"])
        if credential is None:
            return False
        call = self.internal_call(account, region)
        call.principal = credential.principal
        arn = f"arn:aws:logs:{region}:{account}:log-group:{spec.log_group}:log-stream:*"
        try:
            for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
                self._cloud.access.authorize(call, action, arn)
        except AwsError:
            return False
        return True

    async def send(self, target: Target, where: str, record: bytes) -> None:
        """Hand a record to a destination's service, as the function's role."""
        credential = self.role_credentials(target.configuration["Role"], target.name.name)
        kind = destinations.kind_of(where)
        door = destinations.DOORS.get(destinations.kind_of(where))
        if door is None:
            log.warning("%s: nothing can be sent to %s", target.name.arn, where)
            return
        params = door.build(where, record, destinations.object_key(target.name, self.clock.time()))
        try:
            await self._cloud.call(
                kind, door.operation, params, as_=credential.principal, region=target.name.region
            )
        except AwsError as error:
            log.warning("%s: destination %s refused the record: %s", target.name.arn, where, error)

    # Code, to be fetched by those who were given a link

    def code_link(self, digest: str, expires: int) -> str:
        """An address of a package's zip that works until `expires`, as GetFunction gives."""
        return (
            f"{self._cloud.url}{CODE_PATH}{digest}?expires={expires}&signature={self._sign(digest, expires)}"
        )

    def _sign(self, digest: str, expires: int) -> str:
        return hmac.digest(self._link_key, f"{digest}/{expires}".encode(), hashlib.sha256).hex()

    async def _serve_code(self, request: Request) -> Response:
        digest = request.path.removeprefix(CODE_PATH)
        fields: dict[str, str] = {}
        for part in request.query.split("&"):
            name, _, value = part.partition("=")
            fields[name] = value
        expires = fields.get("expires", "")
        given = fields.get("signature", "")
        if (
            not is_number(expires)
            or not hmac.compare_digest(self._sign(digest, int(expires)).encode(), given.encode())
            or int(expires) < self.clock.wall()
        ):
            return Response(403, [(b"content-type", b"text/plain")], b"Forbidden")
        try:
            data = await self.packages.zip(digest)
        except FileNotFoundError:
            return Response(404, [(b"content-type", b"text/plain")], b"Not Found")
        return Response(200, [(b"content-type", b"application/zip")], data)
