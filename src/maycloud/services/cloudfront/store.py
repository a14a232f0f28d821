"""What CloudFront keeps: distributions, policies, access controls, identities, invalidations.

Each resource is a document of its account (CloudFront knows no regions):

    {"id", "etag", "modified": epoch seconds, "config": AWS's own members, …}

Distributions also have ``created``, ``reference`` and ``tags``; identities ``canonical``; invalidations
``created``.
An index of all accounts leads from a distribution's id to its account, for the data plane.
"""

import importlib
import secrets
import string
from typing import Any

from maycloud.edge.router import parse_host
from maycloud.services.base import Cloud
from maycloud.store import Document, Documents, Scope

_LETTERS = string.ascii_uppercase + string.digits
_EVERYWHERE: Scope = ("", "")
_MOST_ASKED = 1000  # hosts remembered

POLICIES = ("cache", "origin-request", "response-headers")


def new_id(prefix: str = "E") -> str:
    """Ids and entity tags look alike: ``E2QWRUHAPOMQZL``."""
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(13))


class CloudFront:
    """CloudFront's state in one cloud. `changed` tells the data plane to forget what it compiled."""

    def __init__(self, cloud: Cloud) -> None:
        store = cloud.store
        self._cloud = cloud
        self.distributions = store.documents("cloudfront.distributions")
        self.owners = store.documents("cloudfront.owners")
        self.references = store.documents("cloudfront.references")
        self.access_controls = store.documents("cloudfront.access-controls")
        self.identities = store.documents("cloudfront.identities")
        self.invalidations = store.documents("cloudfront.invalidations")
        self.policies: dict[str, Documents] = {
            kind: store.documents(f"cloudfront.{kind}-policies") for kind in POLICIES
        }
        self.compiled = store.db.cache()  # (distribution,): what the data plane made of it
        self._aliases = store.db.cache()  # alternate names: ids of distributions
        self._asked = store.db.cache()  # hosts as clients sent them: ids, "" for those that are no alias
        self.plane: Any = None

    def start(self) -> None:
        """Take the requests of the distributions' own addresses."""
        self.plane = importlib.import_module("maycloud.services.cloudfront.dataplane").register(
            self._cloud, self
        )

    def changed(self) -> None:
        self.compiled.clear()
        self._aliases.clear()
        self._asked.clear()

    def alias(self, host: bytes) -> str:
        """The distribution that a Host header means by one of its alternate names, "" if none does.

        A name's own distribution comes before that of a wildcard, a longer wildcard before a shorter.
        https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/CNAMEs.html
        """
        found = self._asked.get(host)
        if found is None:
            if len(self._asked) >= _MOST_ASKED:
                self._asked.clear()  # somebody asks for endless names
            found = self._asked[host] = self._find_alias(host)
        return found

    def _find_alias(self, host: bytes) -> str:
        if parse_host(host).kind != "api" or parse_host(host).service:
            return ""  # an endpoint's or a data plane's own
        if not self._aliases:
            self._aliases[""] = ""
            for _, document in self.all_distributions():
                for alias in (document["config"].get("Aliases") or {}).get("Items") or []:
                    self._aliases[alias.lower()] = document["id"]
        name = host.decode("latin-1").lower().partition(":")[0].rstrip(".")
        labels = name.split(".")
        wildcards = (".".join(["*", *labels[at:]]) for at in range(1, len(labels)))
        return next((self._aliases[each] for each in (name, *wildcards) if each in self._aliases), "")

    def owner(self, distribution: str) -> Scope | None:
        found = self.owners.get(_EVERYWHERE, distribution)
        return (found["account"], "") if found else None

    def find(self, distribution: str) -> tuple[Scope, Document] | None:
        """Account and document of a distribution by its id alone."""
        scope = self.owner(distribution)
        document = self.distributions.get(scope, distribution) if scope else None
        return (scope, document) if scope and document else None

    def all_distributions(self) -> list[tuple[Scope, Document]]:
        return [(scope, document) for scope, _, document in self.distributions.everywhere()]

    def put_distribution(self, scope: Scope, document: Document) -> None:
        self.distributions.put(scope, document["id"], document)
        self.owners.put(_EVERYWHERE, document["id"], {"account": scope[0]})
        self.changed()

    def delete_distribution(self, scope: Scope, document: Document) -> None:
        self.distributions.delete(scope, document["id"])
        self.owners.delete(_EVERYWHERE, document["id"])
        self.references.delete(scope, document["reference"])
        self.invalidations.delete_below(scope, f"{document['id']}/")
        self.changed()


def domain_of(distribution: str) -> str:
    """The name that AWS's API answers; the same letters as the id, so that either leads to the other."""
    return f"d{distribution[1:].lower()}.cloudfront.net"


def id_of(label: str) -> str:
    """The distribution that the first label of a host means: its id, or that of its domain name."""
    return "E" + label[1:].upper() if label[:1] in "dDeE" else ""
