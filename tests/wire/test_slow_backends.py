"""Backends that take their time hold up nobody else."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import distributions
from gateways import Api, operation
from running import RunningCloud
from waiting import until

ASKED = 40


class Backend:
    """Answers nobody before `open`."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.open = threading.Event()
        backend = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                backend.waiting.append(self.path)
                backend.open.wait(25)
                self.send_response(200)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.request_queue_size = ASKED


@pytest.fixture
def backend() -> Iterator[Backend]:
    found = Backend()
    found.server.socket.listen(ASKED)
    serving = threading.Thread(target=found.server.serve_forever)
    serving.start()
    yield found
    found.open.set()
    found.server.shutdown()
    found.server.server_close()
    serving.join()


@pytest.mark.parametrize("by", ["apigateway", "cloudfront"])
def test_files_are_written_and_read_meanwhile(cloud: RunningCloud, backend: Backend, by: str) -> None:
    port = backend.server.server_port
    if by == "apigateway":
        uri = f"http://127.0.0.1:{port}/"
        integration = {"type": "http_proxy", "httpMethod": "GET", "uri": uri}
        api = Api(cloud, "slow", {"/": {"get": operation(integration)}})

        def ask(number: int) -> int:
            return api.ask("GET", f"/?{number}")[0]
    else:
        origin = distributions.http_origin(port)
        id_ = distributions.create(cloud, origin)

        def ask(number: int) -> int:
            return distributions.fetch(cloud, id_, f"/{number}").status

    with ThreadPoolExecutor(ASKED) as clients:
        answers = [clients.submit(ask, number) for number in range(ASKED)]
        until(lambda: len(backend.waiting) == ASKED, what=f"{ASKED} requests to wait")
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket=f"meanwhile-{by}")
        s3.put_object(Bucket=f"meanwhile-{by}", Key="film", Body=b"x" * (6 << 20))
        assert len(s3.get_object(Bucket=f"meanwhile-{by}", Key="film")["Body"].read()) == 6 << 20
        assert not any(answer.done() for answer in answers)
        backend.open.set()
        assert {answer.result() for answer in answers} == {200}
