"""What is to run."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Spec:
    """A version of a function, ready to run. Environments are shared only within one `key`.

    `folder` and `layers` are unpacked packages; `environment` holds all variables that the function asked
    for and its credentials; `memory` and `storage`, of ``/tmp``, are in MB, `timeout` in seconds.
    """

    key: str
    runtime: str
    handler: str
    folder: Path
    layers: tuple[Path, ...]
    environment: dict[str, str]
    memory: int
    storage: int
    timeout: float
    name: str
    version: str
    arn: str
    log_group: str
    log_stream: str
    region: str
    json_logs: bool = False
    application_level: str = ""
    system_level: str = "INFO"

    def variables(self, places: "Places", stream: str) -> dict[str, str]:
        """The whole environment of its process, which finds things at these places.

        https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
        """
        return {
            "PATH": ":".join([*places.of_layers("bin"), "/usr/local/bin:/usr/bin:/bin"]),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "HOME": places.tmp,
            "TMPDIR": places.tmp,
            "LAMBDA_TASK_ROOT": places.task,
            "LAMBDA_RUNTIME_DIR": places.runtime,
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": self.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory),
            "AWS_LAMBDA_LOG_GROUP_NAME": self.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": stream,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{self.runtime}",
            "_HANDLER": self.handler,
            **({"LD_LIBRARY_PATH": ":".join(places.of_layers("lib"))} if self.layers else {}),
            **self._logging(),
            **self.environment,
        }

    def _logging(self) -> dict[str, str]:
        if not self.json_logs:
            return {"AWS_LAMBDA_LOG_FORMAT": "Text"}
        return {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": self.application_level}


@dataclass(frozen=True, slots=True)
class Places:
    """Where an environment finds its things. Of a file in several layers the first one's counts."""

    task: str
    layers: tuple[str, ...]
    tmp: str
    runtime: str

    @classmethod
    def of(cls, spec: Spec, folder: Path, runtime: Path, *, inside: bool) -> "Places":
        """AWS's where it lives inside of walls, else the machine's, with `folder` for what it writes."""
        if inside:
            return cls("/var/task", ("/opt",) if spec.layers else (), "/tmp", "/var/runtime")  # noqa: S108
        return cls(
            str(spec.folder), tuple(str(each) for each in reversed(spec.layers)), str(folder), str(runtime)
        )

    def of_layers(self, part: str) -> list[str]:
        return [f"{layer}/{part}" for layer in self.layers]
