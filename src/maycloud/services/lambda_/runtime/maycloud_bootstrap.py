"""What runs in a Python environment: loads the handler, then serves invocations over the channel.

Frames both ways: four bytes of length, one of kind, the body. From the cloud: ``I`` (JSON of what the
context needs, a NUL-free line, then ``\\n`` and the payload). To the cloud: ``R`` ready, ``F`` failed to
start (an error's JSON), ``S`` success, ``E`` error; the bodies of the last two begin with the peak memory in
KiB (four bytes).
"""

import importlib
import json
import logging
import os
import resource
import signal
import socket
import struct
import sys
import time
import traceback
import types
from decimal import Decimal
from typing import Any

MAX_RESPONSE = 6 * 1024 * 1024 + 100
_TASK = "/var/task"
_USUAL = 1 << 16  # bytes that are received in one go


class Channel:
    """Frames over a socket, blocking."""

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)

    def send(self, kind: bytes, body: bytes) -> None:
        self._socket.sendall(struct.pack(">I", len(body)) + kind + body)

    def receive(self) -> bytes:
        """The body of the next frame. The cloud sends none before the one before it was answered."""
        data = self._more(_USUAL)
        while len(data) < 5:
            data += self._more(5 - len(data))
        (length,) = struct.unpack_from(">I", data)
        while len(data) < 5 + length:
            data += self._more(5 + length - len(data), socket.MSG_WAITALL)
        return data[5:]

    def _more(self, size: int, flags: int = 0) -> bytes:
        data = self._socket.recv(size, flags)
        if not data:
            os._exit(0)  # the cloud has let go of this environment
        return data


class Identity:
    def __init__(self) -> None:
        self.cognito_identity_id: str | None = None
        self.cognito_identity_pool_id: str | None = None


class ClientContext:
    """What mobile clients send along; attributes as documented."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.custom = given.get("custom")
        self.env = given.get("env")
        self.client = types.SimpleNamespace(**given["client"]) if given.get("client") else None


class LambdaContext:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    def __init__(self, meta: dict[str, Any], environment: dict[str, str]) -> None:
        self.aws_request_id: str = meta["id"]
        self.function_name = environment["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = environment["AWS_LAMBDA_FUNCTION_VERSION"]
        self.invoked_function_arn: str = meta["arn"]
        self.memory_limit_in_mb = environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = environment["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = environment["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = Identity()
        self.client_context = ClientContext(meta["client"]) if meta.get("client") else None
        self._deadline: int = meta["deadline"]

    def get_remaining_time_in_millis(self) -> int:
        return max(0, self._deadline - int(time.time() * 1000))

    def log(self, message: object) -> None:
        print(message)  # noqa: T201 - what the documented method does


class RequestFilter(logging.Filter):
    """Gives log records the id of the request at hand."""

    request_id = ""

    def filter(self, record: logging.LogRecord) -> bool:
        record.aws_request_id = self.request_id
        return True


class InitError(Exception):
    """The handler could not be loaded; `args` are the error's type, message and stack."""


def _shown(path: str, root: str) -> str:
    return _TASK + path[len(root) :] if path.startswith(root) else path


def _stack(error: BaseException) -> list[str]:
    """Frames of the function's own code, as Lambda shows them."""
    root = os.environ["LAMBDA_TASK_ROOT"]
    lines = []
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == __file__:
            continue
        line = f"    {frame.line}\n" if frame.line else ""
        lines.append(f'  File "{_shown(frame.filename, root)}", line {frame.lineno}, in {frame.name}\n{line}')
    return lines


def error_body(kind: str, message: str, stack: list[str], request_id: str) -> dict[str, Any]:
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": stack}


def _logs_json() -> bool:
    return os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"


def _stamp(seconds: float) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}Z"


class JsonFormatter(logging.Formatter):
    """https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html, "Using structured JSON logs"."""

    usual = frozenset(vars(logging.makeLogRecord({}))) | {"message", "aws_request_id"}

    def format(self, record: logging.LogRecord) -> str:
        found: dict[str, Any] = {
            "timestamp": _stamp(record.created),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info and record.exc_info[0] is not None:
            kind, error, trace = record.exc_info
            found["stackTrace"] = [line.rstrip("\n") for line in traceback.format_tb(trace)]
            found["errorType"] = kind.__name__
            found["errorMessage"] = str(error)
            found["location"] = f"{record.pathname}:{record.funcName}:{record.lineno}"
        found |= {name: value for name, value in vars(record).items() if name not in self.usual}
        found["requestId"] = getattr(record, "aws_request_id", "")
        return json.dumps(found, default=str, ensure_ascii=False)


def report(body: dict[str, Any]) -> None:
    """An error's lines in the log."""
    if _logs_json():
        sys.stdout.write(json.dumps({"timestamp": _stamp(time.time()), "log_level": "ERROR", **body}) + "\n")
        return
    lines = [f"[ERROR] {body['errorType']}: {body['errorMessage']}", "Traceback (most recent call last):"]
    lines += [line.rstrip("\n") for line in body["stackTrace"]]
    sys.stdout.write("\r".join("\n".join(lines).split("\n")) + "\n")


def load(handler: str) -> Any:
    """The handler function. Raises InitError."""
    module_name, dot, name = handler.rpartition(".")
    if not dot or not module_name:
        raise InitError(
            "Runtime.MalformedHandlerName",
            f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)",
            [],
        )
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise InitError(
            "Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}", []
        ) from error
    except SyntaxError as error:
        root = os.environ["LAMBDA_TASK_ROOT"]
        where = (
            f'  File "{_shown(error.filename or "", root)}" Line {error.lineno}\n   '
            f" {(error.text or '').strip()}\n"
        )
        message = f"Syntax error in module '{module_name}': {error.msg}"
        raise InitError("Runtime.UserCodeSyntaxError", message, [where]) from error
    except Exception as error:
        stack = [line for line in _stack(error) if "importlib" not in line]
        raise InitError(type(error).__name__, str(error), stack) from error
    if not hasattr(module, name):
        message = f"Handler '{name}' missing on module '{module_name}'"
        raise InitError("Runtime.HandlerNotFound", message, [])
    return getattr(module, name)


def _default(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _prepare(config: dict[str, Any]) -> None:
    """Environment variables, paths, folders, limits and logging of the function."""
    os.environ.clear()
    os.environ.update(config["environment"])
    time.tzset()
    task = config["environment"]["LAMBDA_TASK_ROOT"]
    os.chdir(task)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    parts = (f"python/lib/{version}/site-packages", "python")
    layers = [os.path.join(layer, part) for part in parts for layer in config["layers"]]
    sys.path[:0] = [task, *layers]
    sys.argv = ["bootstrap"]
    soft = config["data_limit"]
    resource.setrlimit(resource.RLIMIT_DATA, (soft, soft))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout = _text(1)
    sys.stderr = _text(2)


def _text(fd: int) -> Any:
    return os.fdopen(fd, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)


def _set_up_logging() -> None:
    handler = logging.StreamHandler(sys.stdout)
    formatter = logging.Formatter(
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"
    )
    formatter.converter = time.gmtime
    if _logs_json():
        level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "INFO")
        logging.getLogger().setLevel({"TRACE": "DEBUG", "FATAL": "CRITICAL"}.get(level, level))
        formatter = JsonFormatter()
    handler.setFormatter(formatter)
    handler.addFilter(RequestFilter())
    logging.getLogger().handlers[:] = [handler]


def run(fd: int) -> None:
    """Be what the channel's first frame says. Never returns."""
    channel = Channel(fd)
    config = json.loads(channel.receive())
    if "program" in config:
        _execute(config, fd)
    _serve(config, channel)


def _execute(config: dict[str, Any], fd: int) -> None:
    """Another runtime than Python."""
    os.set_inheritable(fd, False)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.chdir(config["environment"]["LAMBDA_TASK_ROOT"])
    program = config["program"]
    os.execve(program[0], program, config["environment"])  # noqa: S606 - no shell is wanted


def _serve(config: dict[str, Any], channel: Channel) -> None:
    """Serve invocations until the cloud closes the channel."""
    _prepare(config)
    _set_up_logging()
    try:
        handler = load(config["handler"])
    except InitError as error:
        kind, message, stack = error.args
        body = error_body(kind, message, stack, "")
        report(body)
        channel.send(b"F", json.dumps(body).encode())
        os._exit(1)
    channel.send(b"R", b"")
    environment: dict[str, str] = config["environment"]
    while True:
        head, _, payload = channel.receive().partition(b"\n")
        meta = json.loads(head)
        RequestFilter.request_id = meta["id"]
        os.environ["_X_AMZN_TRACE_ID"] = meta["trace"]
        kind, body = _invoke(handler, payload, LambdaContext(meta, environment))
        sys.stdout.flush()
        sys.stderr.flush()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        channel.send(kind, struct.pack(">I?", peak, _goes_on()) + body)


def _goes_on() -> bool:
    """Whether threads, children or timers were left behind, for which the cloud has to freeze us.

    Waiting for the next invocation is freezing enough for all others, and costs nothing.
    """
    if os.stat("/proc/self/task").st_nlink > 3 or signal.getitimer(signal.ITIMER_REAL)[0]:
        return True
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _invoke(handler: Any, payload: bytes, context: LambdaContext) -> tuple[bytes, bytes]:
    """Run the handler once; gives the frame's kind and body."""
    try:
        result = handler(json.loads(payload), context)
    except Exception as error:  # noqa: BLE001 - whatever a function raises is its answer
        body = error_body(type(error).__name__, str(error), _stack(error), context.aws_request_id)
        report(body)
        return b"E", json.dumps(body).encode()
    try:
        answer = json.dumps(result, ensure_ascii=False, default=_default, allow_nan=False).encode()
    except (TypeError, ValueError, UnicodeEncodeError) as error:
        body = error_body(
            "Runtime.MarshalError", f"Unable to marshal response: {error}", [], context.aws_request_id
        )
        report(body)
        return b"E", json.dumps(body).encode()
    if len(answer) > MAX_RESPONSE:
        too_large = {
            "errorMessage": (
                f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE} bytes)."
            ),
            "errorType": "Function.ResponseSizeTooLarge",
        }
        return b"E", json.dumps(too_large).encode()
    return b"S", answer
