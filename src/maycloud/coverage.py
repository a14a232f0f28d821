"""What is there of AWS: docs/coverage.md, written from the services' own declarations.

python -m maycloud.coverage > docs/coverage.md
"""

import sys

from maycloud.loading import SERVICES, load_service
from maycloud.services.base import Service
from maycloud.services.cloudformation import providers
from maycloud.wire.models import Model

_HEAD = """\
# Coverage

Made from the code by `python -m maycloud.coverage`; a test keeps it true. An operation that is not listed as
there answers AWS's own error for something unsupported, never a silent success: `UnknownOperationException`,
for S3 `NotImplemented` (501).

Left out on purpose for now: PartiQL, DynamoDB backups, Lambda function URLs and event source mappings,
`provided.*` runtimes, container images, SigV4A.
"""


def render() -> str:
    """The page as Markdown."""
    services = {name: load_service(name) for name in SERVICES}
    parts = [_HEAD, "| service | operations there | of |", "| --- | ---: | ---: |"]
    for name, service in services.items():
        parts.append(f"| [{name}](#{name}) | {len(service.operations)} | {len(Model(name).operations)} |")
    for name, service in services.items():
        parts += ["", f"## {name}", "", *_operations(name, service)]
    parts += ["", "## CloudFormation resource types", ""]
    parts.append(", ".join(f"`{each}`" for each in providers.types()))
    return "\n".join(parts) + "\n"


def _operations(name: str, service: Service) -> list[str]:
    model = Model(name)
    there = sorted(service.operations)
    missing = sorted(set(model.operations) - set(there))
    lines = [", ".join(f"`{each}`" for each in there)]
    if missing:
        lines += ["", f"<details><summary>Not there: {len(missing)}</summary>", ""]
        lines += [", ".join(missing), "", "</details>"]
    return lines


if __name__ == "__main__":
    sys.stdout.write(render())
