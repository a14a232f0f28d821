"""SRP sign-ins: both steps and the tokens, over 16 connections.

The client's part costs as much as the server's, so it is made short: its secret a has 64 bits, A and g^x are
computed beforehand, and one power is left. It runs in a process of its own; how many sign-ins a second of the
server's processor is worth is counted besides, which no client can be the limit of.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from bench import servers
from bench.load import ROOT
from bench.measuring import ROUNDS, Bench, client
from bench.report import Section
from maycloud.services.cognito_idp import srp
from maycloud.services.cognito_idp.modexp import power

PASSWORD = "Xoai-chin-cay-2026"
USERS = 16

NOTE = (
    "InitiateAuth and RespondToAuthChallenge with three tokens, 16 connections. The client computes one"
    " 3072-bit power a sign-in, on the other core."
)


def run(bench: Bench) -> Section:
    best = (0.0, 0.0)
    with servers.cloud() as (url, process):
        pool, app = _prepare(url)
        for _ in range(ROUNDS):
            before = _processor(process.pid)
            command = [sys.executable, "-m", "bench.cognito", url, pool, app, str(bench.seconds)]
            ran = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
            found = json.loads(ran.stdout)
            spent = _processor(process.pid) - before
            best = max(best, (found["done"] / found["took"], found["done"] / spent))
    bench.say(f"SRP sign-ins: {best[0]:,.0f}/s, {best[1]:,.0f} a second of the server's processor")
    return Section(
        "Cognito, SRP sign-ins",
        [
            ["what", "sign-ins"],
            ["a second", f"{best[0]:,.0f}"],
            ["a second of the server's processor time", f"{best[1]:,.0f}"],
        ],
        NOTE,
    )


def _prepare(url: str) -> tuple[str, str]:
    idp = client(url, "cognito-idp")
    pool = idp.create_user_pool(PoolName="bench")["UserPool"]["Id"]
    flows = ["ALLOW_USER_SRP_AUTH"]
    app = idp.create_user_pool_client(UserPoolId=pool, ClientName="bench", ExplicitAuthFlows=flows)
    for number in range(USERS):
        idp.admin_create_user(UserPoolId=pool, Username=f"user-{number}", MessageAction="SUPPRESS")
        idp.admin_set_user_password(
            UserPoolId=pool, Username=f"user-{number}", Password=PASSWORD, Permanent=True
        )
    return pool, app["UserPoolClient"]["ClientId"]


def _processor(pid: int) -> float:
    """Seconds of processor time that a process has used, all its threads together."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# The client


@dataclass(slots=True)
class User:
    """One user on one connection, signing in again and again."""

    url: str
    pool: str
    app: str
    name: str
    done: int = 0
    _a: int = 0
    _public: int = 0
    _verifiers: dict[str, tuple[int, int]] = field(default_factory=dict)  # x and k g^x by salt

    def run(self, until: float) -> None:
        self._a = int.from_bytes(os.urandom(8), "big") | 1
        self._public = srp.power_of_g(self._a)
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        while time.perf_counter() < until:
            self._sign_in(connection)
            self.done += 1
        connection.close()

    def _sign_in(self, connection: http.client.HTTPConnection) -> None:
        parameters = {"USERNAME": self.name, "SRP_A": f"{self._public:x}"}
        asked = {"AuthFlow": "USER_SRP_AUTH", "ClientId": self.app, "AuthParameters": parameters}
        given = _post(connection, "InitiateAuth", asked)["ChallengeParameters"]
        answer = {"ChallengeName": "PASSWORD_VERIFIER", "ClientId": self.app,
                  "ChallengeResponses": self._proof(given)}  # fmt: skip
        signed_in = _post(connection, "RespondToAuthChallenge", answer)
        assert signed_in["AuthenticationResult"]["IdToken"]

    def _proof(self, given: dict[str, str]) -> dict[str, str]:
        pool, user = self.pool.partition("_")[2], given["USER_ID_FOR_SRP"]
        if given["SALT"] not in self._verifiers:
            salt = bytes.fromhex(given["SALT"].rjust(len(given["SALT"]) + len(given["SALT"]) % 2, "0"))
            x = srp.private_key(pool, user, PASSWORD, salt)
            self._verifiers[given["SALT"]] = x, srp.K * srp.power_of_g(x) % srp.N
        x, masked = self._verifiers[given["SALT"]]
        b_public = int(given["SRP_B"], 16)
        u = int.from_bytes(hashlib.sha256(srp.pad(self._public) + srp.pad(b_public)).digest(), "big")
        shared = power((b_public - masked) % srp.N, self._a + u * x, srp.N)
        stamp = time.strftime("%a %b {} %H:%M:%S UTC %Y", time.gmtime()).format(time.gmtime().tm_mday)
        block = given["SECRET_BLOCK"]
        proof = srp.signature(_key(u, shared), pool, user, base64.b64decode(block), stamp)
        return {
            "USERNAME": user, "TIMESTAMP": stamp, "PASSWORD_CLAIM_SECRET_BLOCK": block,
            "PASSWORD_CLAIM_SIGNATURE": base64.b64encode(proof).decode(),
        }  # fmt: skip


def _key(u: int, shared: int) -> bytes:
    extracted = hmac.digest(srp.pad(u), srp.pad(shared), "sha256")
    return hmac.digest(extracted, srp.INFO + b"\x01", "sha256")[:16]


def _post(connection: http.client.HTTPConnection, operation: str, body: dict[str, Any]) -> dict[str, Any]:
    target = f"AWSCognitoIdentityProviderService.{operation}"
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": target}
    connection.request("POST", "/", json.dumps(body), headers)
    answer = connection.getresponse()
    read = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{operation} answered {answer.status}: {read.decode()}")
    return json.loads(read)


def main() -> None:
    url, pool, app, seconds = sys.argv[1:]
    users = [User(url, pool, app, f"user-{number}") for number in range(USERS)]
    begun = time.perf_counter()
    threads = [threading.Thread(target=user.run, args=(begun + float(seconds),)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    json.dump({"done": sum(user.done for user in users), "took": time.perf_counter() - begun}, sys.stdout)


if __name__ == "__main__":
    main()
