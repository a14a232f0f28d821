"""DAX in one cloud: the clusters that run, and the steps between their statuses."""

import logging
import ssl
from typing import TYPE_CHECKING, Any

from maycloud.services.base import Cloud
from maycloud.services.dax.metrics import Metrics
from maycloud.services.dax.store import Document, Stored
from maycloud.store import Scope

if TYPE_CHECKING:
    from maycloud.services.dax.server import Listener

log = logging.getLogger("maycloud.dax")

DEFAULT_GROUP = "default.dax1.0"
DEFAULT_TTL = 300_000  # milliseconds
TTLS = ("record-ttl-millis", "query-ttl-millis")
TLS_PORT = 1000  # more than the plain one's


class Dax:
    """Documents, and a listener for each cluster. Without clusters nothing listens and nothing is loaded."""

    def __init__(self, cloud: Cloud) -> None:
        self.stored = Stored(cloud.store)
        self._cloud = cloud
        self._metrics = Metrics(cloud)
        self._listeners: dict[tuple[Scope, str], Listener] = {}

    async def resume(self) -> None:
        for scope, name, cluster in self.stored.clusters.everywhere():
            if cluster["Status"] == "deleting":
                self.delete(scope, name, cluster)
                continue
            await self._listen(scope, cluster)
            self.settle(scope, name)

    async def stop(self) -> None:
        self._metrics.stop()
        for listener in self._listeners.values():
            await listener.stop()
        self._listeners.clear()

    @property
    def host(self) -> str:
        """The host of endpoints. On this machine an address: the Node.js client asks DNS alone for names."""
        config = self._cloud.config
        if config.public_host != "localhost" or ":" in config.host:
            return config.public_host
        return "127.0.0.1" if config.host == "0.0.0.0" else config.host  # noqa: S104 - compared only

    # Statuses

    def settle(self, scope: Scope, name: str) -> None:
        """Bring a cluster that was created or changed to "available", once that is durable."""
        self._cloud.spawn(self._settle(scope, name))

    async def _settle(self, scope: Scope, name: str) -> None:
        await self._cloud.store.db.committed()
        cluster = self.stored.clusters.get(scope, name)
        if cluster is None or cluster["Status"] == "deleting":
            return
        if (scope, name) not in self._listeners:
            await self._listen(scope, cluster)
        cluster = self.stored.clusters.get(scope, name)
        if cluster is None or cluster["Status"] == "deleting":
            return
        said = {"creating": "Cluster created.", "modifying": "Cluster modified."}.get(cluster["Status"])
        cluster["Status"] = "available"
        removed = cluster.pop("Removed", [])
        cluster["Nodes"] = [node for node in cluster["Nodes"] if node["Id"] not in removed]
        for node in cluster["Nodes"]:
            node["Status"] = "available"
        self.stored.clusters.put(scope, name, cluster)
        for node in removed:
            self.stored.say(scope, "CLUSTER", name, f"Removed node {node}.")
        if said is not None:
            self.stored.say(scope, "CLUSTER", name, said)
        self.apply_ttls(scope, cluster)

    def delete(self, scope: Scope, name: str, cluster: Document) -> None:
        self._cloud.spawn(self._delete(scope, name, cluster))

    async def _delete(self, scope: Scope, name: str, cluster: Document) -> None:
        await self._cloud.store.db.committed()
        listener = self._listeners.pop((scope, name), None)
        if listener is not None:
            await listener.stop()
        with self._cloud.store.db.atomic():
            self.stored.clusters.delete(scope, name)
            self.stored.forget_attributes(cluster["Id"])
            for node in cluster["Nodes"]:
                self.stored.say(scope, "CLUSTER", name, f"Removed node {node['Id']}.")
            self.stored.say(scope, "CLUSTER", name, "Cluster deleted.")

    # Listening

    async def _listen(self, scope: Scope, cluster: Document) -> None:
        """On the port that the cluster had, on DAX's own, or on a free one, in that order."""
        from maycloud.services.dax.node import Node
        from maycloud.services.dax.server import Listener

        name = cluster["Name"]
        listener = Listener(Node(self._cloud, scope, cluster, self._metrics))
        self._listeners[scope, name] = listener
        config = self._cloud.config
        secure = cluster["Encryption"] == "TLS"
        tls: ssl.SSLContext | None = self._cloud.authority.context() if secure else None
        usual = config.dax_port + (TLS_PORT if secure and config.dax_port else 0)
        for port in dict.fromkeys((cluster.get("Port") or usual, usual, 0)):
            try:
                found = await listener.start(config.host, port, tls)
            except OSError as error:
                log.info("DAX cluster %s cannot have port %s: %s", name, port, error.strerror)
                continue
            break
        else:
            raise RuntimeError(f"no port for DAX cluster {name}")
        log.info("DAX cluster %s listens on port %s", name, found)
        self.apply_ttls(scope, cluster)
        if cluster.get("Port") != found:
            current = self.stored.clusters.get(scope, name)
            if current is not None:
                self.stored.clusters.put(scope, name, current | {"Port": found})

    def apply_ttls(self, scope: Scope, cluster: Document) -> None:
        """Make a cluster's caches heed its parameter group."""
        listener = self._listeners.get((scope, cluster["Name"]))
        if listener is not None:
            values = self.parameters(scope, cluster["ParameterGroup"])
            listener.node.set_ttl(*(values[each] for each in TTLS))

    def parameters(self, scope: Scope, group: str) -> dict[str, int]:
        """The values of a parameter group, by name."""
        found: dict[str, Any] = self.stored.parameter_groups.get(scope, group) or {}
        return dict.fromkeys(TTLS, DEFAULT_TTL) | found.get("Values", {})
