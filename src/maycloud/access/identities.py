"""Users, groups, roles, their policies and credentials: who there is and what they were given.

Documents of the store, by account; ids are names, for they are unique within an account. Everything that a
request needs is kept in memory until something changes, and so is what others made of it, see `dependent`.
"""

import base64
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from maycloud.access import managed
from maycloud.access.policies import compile_policy, decide
from maycloud.access.sites import KNOWN_SECRET
from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.store import Documents, Scope, Store

ADMIN_KEY = "test"
NOTED_EVERY = 900.0  # seconds
MFA_TIME = "maycloud:mfatime"  # in a principal's context: when it proved that it has its device
HOME = "000000000000"

_ACCOUNT = re.compile(r"[0-9]{12}")
_ADMINISTRATOR = managed.MANAGED["AdministratorAccess"]
_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

Document = dict[str, Any]


@dataclass(slots=True)
class Credential:
    """A key and whom it speaks for. `token` is set for session credentials, `expires` in epoch seconds."""

    secret: str
    principal: Principal
    token: str | None = None
    expires: float | None = None
    active: bool = True


@dataclass(slots=True)
class IdentityPolicies:
    """The policy documents of a user or role."""

    identity: tuple[Document, ...]
    boundary: Document | None = None


def new_id(prefix: str) -> str:
    """A unique id in AWS's form: ``AIDA`` and 17 letters and digits."""
    return prefix + "".join(_DIGITS[byte & 31] for byte in os.urandom(17))


def new_access_key(prefix: str, account: str) -> str:
    """An access key, which says its account as AWS's do: see `account_of_key`."""
    number = int(account) << 7 | os.urandom(1)[0] >> 1
    return prefix + base64.b32encode(number.to_bytes(6, "big") + os.urandom(4)).decode()


def account_of_key(key: str) -> str | None:
    """The account in a key, or None if the text is no key: 40 bits behind the first one after the prefix,
    as found by https://medium.com/@TalBeerySec/a-short-note-on-aws-key-id-f88cc4317489."""
    try:
        raw = base64.b32decode(key[4:])
    except ValueError:
        return None
    if len(raw) != 10:
        return None
    return f"{int.from_bytes(raw[:6], 'big') >> 7 & 0xFFFFFFFFFF:012d}"


def new_secret() -> str:
    return base64.b64encode(os.urandom(30)).decode()


class Identities:
    """All accounts' identities. The services iam and sts write them, the access layer reads them."""

    def __init__(self, store: Store, admin_secret: str) -> None:
        self._admin_secret = admin_secret
        self._clock = store.clock
        self._db = store.db
        self.users = store.documents("iam.users")
        self.groups = store.documents("iam.groups")
        self.roles = store.documents("iam.roles")
        self.policies = store.documents("iam.policies")
        self.keys = store.documents("iam.keys")  # of users, by access key; scope is ("", "")
        self.uses = store.documents("iam.keyUses")  # where each key was last used
        self.sessions = store.documents("iam.sessions")  # the same for temporary credentials
        self.devices = store.documents("iam.mfaDevices")
        self.oidc_providers = store.documents("iam.oidcProviders")
        self._dependents: list[dict[Any, Any]] = []
        self._cache: dict[Any, Any] = self.dependent()

    def dependent(self) -> dict[Any, Any]:
        """A dictionary of what follows from identities: emptied whenever one may have changed."""
        cache = self._db.cache()
        self._dependents.append(cache)
        return cache

    def changed(self) -> None:
        """Forget what is in memory. Called with every write of an identity."""
        for cache in self._dependents:
            cache.clear()

    def write(self, documents: Documents, scope: Scope, name: str, body: Document) -> None:
        documents.put(scope, name, body)
        self.changed()

    def remove(self, documents: Documents, scope: Scope, name: str) -> None:
        documents.delete(scope, name)
        self.changed()

    # Credentials

    def credential(self, access_key: str) -> Credential | None:
        """The credential of an access key; the same principal object until something changes."""
        key = ("credential", access_key)
        found = self._cache.get(key)
        if found is None:
            found = self._find_credential(access_key)
            if found is not None:
                self._cache[key] = found
        return found

    def _find_credential(self, access_key: str) -> Credential | None:
        if access_key == ADMIN_KEY:
            return self._administrator(HOME, access_key)
        if _ACCOUNT.fullmatch(access_key):
            return self._administrator(access_key, access_key)
        if access_key.startswith("ASIA"):
            return self._session(access_key)
        found = self.keys.get(("", ""), access_key)
        if found is None:
            return None
        user = self.users.get((found["account"], ""), found["user"])
        if user is None:
            return None
        principal = Principal(
            "user", found["account"], user["Arn"], user["UserId"], access_key, tags=user.get("Tags", {})
        )
        return Credential(found["secret"], principal, active=found["status"] == "Active")

    def _administrator(self, account: str, access_key: str) -> Credential:
        identifier = "AIDA" + base64.b32encode(f"{account[-10:]:0>10}".encode()).decode()[:16]
        arn = f"arn:aws:iam::{account}:user/admin"
        return Credential(self._admin_secret, Principal("user", account, arn, identifier, access_key))

    def note_use(self, credential: Credential, service: str, region: str) -> None:
        """Remember of a user's key where it was last used. Called when a client is heard of for the first
        time, which it is each day anew, and after each change of an identity."""
        key = credential.principal.access_key
        if credential.token is not None or not key.startswith("AKIA"):
            return
        last, now = self.uses.get(("", ""), key), self._clock.time()
        if (
            last is None
            or last["at"] < now - NOTED_EVERY
            or (last["service"], last["region"]) != (service, region)
        ):
            self.uses.put(("", ""), key, {"at": now, "service": service, "region": region})

    def is_known_to_all(self, credential: Credential) -> bool:
        """Whether it is the administrator's, with the secret that it has unless another was chosen."""
        return (
            self._admin_secret == KNOWN_SECRET
            and credential.secret == KNOWN_SECRET
            and credential.token is None
        )

    def _session(self, access_key: str) -> Credential | None:
        found = self.sessions.get(("", ""), access_key)
        if found is None or not self._is_there(found):
            return None
        context: Document = dict(found.get("context", {}))
        if "issued" in found:
            context["aws:TokenIssueTime"] = found["issued"]
        # Said of temporary credentials only.
        context["aws:MultiFactorAuthPresent"] = "mfa" in found
        if "mfa" in found:
            context[MFA_TIME] = found["mfa"]
        principal = Principal(
            found["kind"],
            found["account"],
            found["arn"],
            found["id"],
            access_key,
            found.get("role", ""),
            tuple(found.get("policies", [])),
            found.get("tags", {}),
            context,
            found["expires"],
        )
        return Credential(found["secret"], principal, found["token"], found["expires"])

    def _is_there(self, session: Document) -> bool:
        """Whether whom a session speaks for still exists: one of the same name made later is another."""
        scope, arn = (session["account"], ""), session["arn"]
        if session["kind"] == "role":
            role = self.roles.get(scope, session["role"].rpartition("/")[2])
            return role is not None and role["RoleId"] == session["id"].partition(":")[0]
        if session["kind"] == "federated":
            arn = session.get("context", {}).get("maycloud:user", "")
        if not arn or arn == f"arn:aws:iam::{session['account']}:user/admin":
            return True
        user = self.users.get(scope, arn.rpartition("/")[2])
        return user is not None and (session["kind"] == "federated" or user["UserId"] == session["id"])

    def open_session(self, duration: float, **session: Any) -> Credential:
        """Temporary credentials: `session` holds kind, account, arn, id and what else `_session` reads."""
        access_key = new_access_key("ASIA", session["account"])
        body = {
            **session,
            "secret": new_secret(),
            "token": base64.b64encode(os.urandom(120)).decode(),
            "issued": self._clock.time(),
            "expires": self._clock.time() + duration,
        }
        self.sessions.put(("", ""), access_key, body)
        found = self._session(access_key)
        assert found is not None
        self._cache["credential", access_key] = found
        self._sweep(session["account"])
        return found

    def _sweep(self, account: str) -> None:
        """Forget sessions that are over; a few at each opening of another."""
        now = self._clock.time()
        for key, body in self.sessions.items(("", ""), limit=20, after=new_access_key("ASIA", account)):
            if body["expires"] < now:
                self.sessions.delete(("", ""), key)
                self._cache.pop(("credential", key), None)

    # Policies

    def policies_of(self, principal: Principal) -> IdentityPolicies:
        """What a principal was given: inline, attached, and by its groups."""
        scope = (principal.account, "")
        if principal.kind == "root":
            return IdentityPolicies((_ADMINISTRATOR,))
        if principal.kind == "role":
            role = self.roles.get(scope, principal.role_arn.rpartition("/")[2])
            if role is None or role["RoleId"] != principal.id.partition(":")[0]:
                return IdentityPolicies(())  # deleted: its sessions may nothing any more
            return IdentityPolicies(tuple(self._given(scope, role)), self._boundary(scope, role))
        user_arn = principal.context.get("maycloud:user", principal.arn)
        name = user_arn.rpartition("/")[2]
        if user_arn == f"arn:aws:iam::{principal.account}:user/admin" and self.users.get(scope, name) is None:
            return IdentityPolicies((_ADMINISTRATOR,))
        user = self.users.get(scope, name)
        if user is None:
            return IdentityPolicies(())
        documents = list(self._given(scope, user))
        for group_name in user.get("Groups", []):
            group = self.groups.get(scope, group_name)
            if group is not None:
                documents += self._given(scope, group)
        return IdentityPolicies(tuple(documents), self._boundary(scope, user))

    def _given(self, scope: Scope, holder: Document) -> Iterator[Document]:
        yield from holder.get("Inline", {}).values()
        for arn in holder.get("Attached", []):
            document = self.policy_document(scope, arn)
            if document is not None:
                yield document

    def _boundary(self, scope: Scope, holder: Document) -> Document | None:
        arn = holder.get("Boundary")
        if not arn:
            return None
        # A boundary that is gone allows nothing.
        return self.policy_document(scope, arn) or {"Version": "2012-10-17", "Statement": []}

    def policy_document(self, scope: Scope, arn: str) -> Document | None:
        """The default version of a managed policy, AWS's or the account's own."""
        found = managed.find(arn)
        if found is not None:
            return found
        policy = self.policies.get(scope, arn.rpartition("/")[2])
        if policy is None or policy["Arn"] != arn:
            return None
        return policy["Versions"][policy["DefaultVersionId"]]["Document"]

    # Roles

    def role(self, arn: str) -> Document | None:
        parts = arn.split(":")
        if len(parts) != 6 or not parts[5].startswith("role/"):
            return None
        found = self.roles.get((parts[4], ""), arn.rpartition("/")[2])
        return found if found is not None and found["Arn"] == arn else None

    def role_session(self, role_arn: str, session_name: str, duration: float, as_service: str) -> Credential:
        """Credentials of a role for a service that its trust policy names, as Lambda gets for a function."""
        role = self.role(role_arn)
        if role is None or not self._trusts(role, as_service):
            who = "Lambda" if as_service.startswith("lambda") else as_service
            raise AwsError(
                "InvalidParameterValueException",
                f"The role defined for the function cannot be assumed by {who}.",
                400,
                Type="User",
            )
        key = ("role", role_arn, session_name, as_service)
        kept: Credential | None = self._cache.get(key)
        if kept is not None and (kept.expires or 0) > self._clock.time() + duration / 2:
            return kept
        found = self.open_session(duration, **role_principal(role, session_name))
        self._cache[key] = found
        return found

    def _trusts(self, role: Document, service: str) -> bool:
        account = role["Arn"].split(":")[4]
        decision = decide(
            action="sts:AssumeRole",
            resource=role["Arn"],
            principal=Principal.service(service, account),
            account_of_resource=account,
            identity=(),
            boundary=None,
            session=(),
            resource_policy=compile_policy(role["Trust"]),
            context={"aws:sourceaccount": account},
        )
        return decision.allowed


def role_principal(role: Document, session_name: str) -> dict[str, Any]:
    """What `open_session` takes of a role."""
    account, name = role["Arn"].split(":")[4], role["RoleName"]
    return {
        "kind": "role",
        "account": account,
        "arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session_name}",
        "id": f"{role['RoleId']}:{session_name}",
        "role": role["Arn"],
        "tags": role.get("Tags", {}),
    }
