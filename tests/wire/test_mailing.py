"""Mail that goes out by SMTP: told a server, the cloud sends what it keeps, and tries again."""

import contextlib
import socketserver
import threading
from collections.abc import Iterator
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from maycloud.cli.up import up
from running import RunningCloud
from waiting import until


class Server(socketserver.ThreadingTCPServer):
    """Takes mail as RFC 5321 has it; is `busy` so many times first, and never takes what is for `refused`."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, *, busy: int = 0, refused: str = "") -> None:
        super().__init__(("127.0.0.1", 0), Session, bind_and_activate=False)
        self.server_bind()  # the port is taken, and refuses connections until `listen`
        self.busy = busy
        self.refused = refused
        self.asked: list[str] = []
        self.mails: list[tuple[str, Any]] = []
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)

    def listen(self) -> "Server":
        self.server_activate()
        self.thread.start()
        return self

    @property
    def port(self) -> int:
        return self.server_address[1]

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class Session(socketserver.StreamRequestHandler):
    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def handle(self) -> None:
        self.say("220 ready")
        to = ""
        with contextlib.suppress(ConnectionError):
            while line := self.rfile.readline().decode().strip():
                verb = line[:4].upper()
                if verb == "RCPT":
                    to = line.partition("<")[2].partition(">")[0]
                    self.server.asked.append(to)
                    if to == self.server.refused:
                        self.say("550 nobody")
                    elif self.server.asked.count(to) <= self.server.busy:
                        self.say("451 busy")
                    else:
                        self.say("250 ok")
                elif verb == "DATA":
                    self.say("354 go on")
                    lines = []
                    while (part := self.rfile.readline().decode()) != ".\r\n":
                        lines.append(part)
                    self.server.mails.append((to, message_from_string("".join(lines))))
                    self.say("250 kept")
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(busy=1, refused="nobody@example.com").listen()
    yield made
    made.close()


def sign_up(cloud: RunningCloud, client: str, *addresses: str) -> None:
    for address in addresses:
        cloud.client("cognito-idp").sign_up(
            ClientId=client,
            Username=address.partition("@")[0],
            Password="Secret-123",
            UserAttributes=[{"Name": "email", "Value": address}],
        )


def new_client(cloud: RunningCloud) -> str:
    idp = cloud.client("cognito-idp")
    pool = idp.create_user_pool(PoolName="people", AutoVerifiedAttributes=["email"])["UserPool"]["Id"]
    return idp.create_user_pool_client(UserPoolId=pool, ClientName="app")["UserPoolClient"]["ClientId"]


def test_mails_go_out_and_are_tried_again(tmp_path: Path, server: Server) -> None:
    cloud = RunningCloud(tmp_path / "data", "--smtp", f"127.0.0.1:{server.port}").start()
    try:
        client = new_client(cloud)
        sign_up(cloud, client, "ann@example.com", "nobody@example.com")
        until(lambda: len(set(server.asked)) == 2, what="both mails to be tried")
        cloud.advance(600)
        until(lambda: len(server.mails) == 1, what="the busy server's mail")
        sign_up(cloud, client, "bob@example.com")
        until(lambda: server.asked.count("bob@example.com") == 1, what="a third mail")
        cloud.advance(600)
        until(lambda: len(server.mails) == 2, what="the third mail")
        assert sorted(server.asked) == [
            *["ann@example.com"] * 2, *["bob@example.com"] * 2, "nobody@example.com"
        ]  # fmt: skip
        to, mail = server.mails[0]
        assert to == "ann@example.com"
        kept = cloud.admin("GET", "/_may/inbox?to=ann%40example.com")[0]
        assert mail["subject"] == kept["subject"]
        assert kept["text"].strip() in mail.as_string()
    finally:
        cloud.stop()


def test_a_mail_waits_for_its_server_over_a_restart(tmp_path: Path) -> None:
    server = Server()
    cloud = RunningCloud(tmp_path / "data", "--smtp", f"127.0.0.1:{server.port}").start()
    try:
        sign_up(cloud, new_client(cloud), "ann@example.com")
        cloud.kill()
        server.listen()
        cloud.start()
        cloud.advance(600)
        until(lambda: server.mails, what="the mail after the restart")
    finally:
        cloud.stop()
        server.close()


@pytest.mark.parametrize("wrong", ["host", "host:", ":25", "host:x", "host:70000"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, wrong: str) -> None:
    answer = CliRunner().invoke(up, ["--data", str(tmp_path / "data"), "--smtp", wrong])
    assert (answer.exit_code, "HOST:PORT" in answer.output) == (2, True)
