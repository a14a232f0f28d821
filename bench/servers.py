"""Servers to be measured, each in a process of its own: our edge, our cloud, and pinned peers.

Peers are installed below bench/.peers, which is never committed.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
PEERS = HERE / ".peers"
PYTHON_PEERS = {"moto": "moto[server]==5.2.5", "ministack": "ministack==1.5.33"}
NODE_PEERS = {"dynalite": "dynalite@4.0.0", "s3rver": "s3rver@3.7.1"}

CONSTANT = """
import asyncio, sys, uvloop
from maycloud.edge.messages import Response
from maycloud.edge.server import Edge

HEADERS = [(b"content-type", b"application/x-amz-json-1.0"), (b"x-amzn-requestid", b"0" * 36)]

async def main():
    edge = Edge(lambda request, reply: reply(Response(200, list(HEADERS), b"{}")), host="127.0.0.1",
                port=int(sys.argv[1]), tls=None)
    await edge.start()
    await asyncio.Event().wait()

uvloop.run(main())
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until_it_answers(url: str, process: subprocess.Popen[bytes], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with {process.returncode}")
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"{url} does not answer")


@contextlib.contextmanager
def running(command: list[str], url: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | environment
    )
    try:
        until_it_answers(url, process)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def constant() -> Iterator[str]:
    """Our edge, which answers the same two bytes to everything."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running([sys.executable, "-c", CONSTANT, str(port)], url):
        yield url


@contextlib.contextmanager
def cloud(*options: str, data: Path | None = None) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Our cloud on a folder of its own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    folder = data or Path(tempfile.mkdtemp(prefix="maycloud-bench-"))
    command = [sys.executable, "-m", "maycloud.cli.main", "up", "--data", str(folder), "--port", str(port)]
    try:
        with running([*command, *options], f"{url}/_may/health") as process:
            yield url, process
    finally:
        if data is None:
            shutil.rmtree(folder, ignore_errors=True)


def install_peers() -> None:
    python = PEERS / "python"
    if not (python / "bin" / "moto_server").exists():
        uv = shutil.which("uv") or str(HERE.parent / ".uv" / "bin" / "uv")
        subprocess.run([uv, "venv", "--quiet", str(python)], check=True)
        subprocess.run(
            [uv, "pip", "install", "--quiet", *PYTHON_PEERS.values()],
            check=True, env=os.environ | {"VIRTUAL_ENV": str(python)},
        )  # fmt: skip
    if not all((PEERS / "node" / "node_modules" / name).exists() for name in NODE_PEERS):
        (PEERS / "node").mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(PEERS / "node"),
             *NODE_PEERS.values()],
            check=True,
        )  # fmt: skip


@contextlib.contextmanager
def peer(name: str) -> Iterator[str]:
    """dynalite (in memory), s3rver (on disk), ministack or moto, on a free port."""
    with peer_process(name) as (url, _):
        yield url


@contextlib.contextmanager
def peer_process(name: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    scripts, modules = PEERS / "python" / "bin", PEERS / "node" / "node_modules"
    with tempfile.TemporaryDirectory(prefix="bench-peer-") as folder:
        commands = {
            "dynalite": ["node", str(modules / "dynalite/cli.js"), "--port", str(port),
                         "--createTableMs", "0"],
            "s3rver": ["node", str(modules / "s3rver/bin/s3rver.js"), "-a", "127.0.0.1", "-p", str(port),
                       "-d", folder, "-s"],
            "ministack": [str(scripts / "ministack")],
            "moto": [str(scripts / "moto_server"), "-p", str(port), "-H", "127.0.0.1"],
        }  # fmt: skip
        ports = {"GATEWAY_PORT": str(port), "MINISTACK_PORT": str(port)}
        with running(commands[name], url, **ports) as process:
            yield url, process


NGINX = """
daemon off;
master_process off;
pid {folder}/pid;
error_log /dev/null;
events {{ worker_connections 64; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    client_body_temp_path {folder}/incoming;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            root {folder}/files;
            dav_methods PUT;
            create_full_put_path on;
        }}
    }}
}}
"""


@contextlib.contextmanager
def nginx() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """nginx, one process, on a throw-away folder: files by GET, WebDAV's PUT.

    Raises RuntimeError where it is not installed.
    """
    binary = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if binary is None:
        raise RuntimeError("nginx is not installed (Debian: nginx-light)")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-nginx-") as name:
        folder = Path(name)
        (folder / "files").mkdir()
        folder.chmod(0o755)
        config = folder / "nginx.conf"
        config.write_text(f"user root;{NGINX}".format(folder=folder, port=port))
        url = f"http://127.0.0.1:{port}"
        with running([binary, "-c", str(config), "-p", name], url) as process:
            yield url, process
