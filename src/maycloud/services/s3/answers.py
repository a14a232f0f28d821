"""Headers of S3's answers that do not come from their operations."""

from urllib.parse import unquote

from maycloud.edge.messages import Reply, Request, Response
from maycloud.services.base import Cloud
from maycloud.services.s3 import cors


def answering(cloud: Cloud, request: Request, bucket: str | None, reply: Reply) -> Reply:
    """Gives answers the headers of CORS, and tells whoever offered to pay that they do."""
    reply = cors.answering(cloud, request, bucket, reply)
    if b"x-amz-request-payer" not in request.fields and "x-amz-request-payer=" not in request.query:
        return reply
    name = bucket or unquote(request.path.lstrip("/").partition("/")[0])

    def answer(response: Response) -> None:
        if isinstance(response, Response) and response.status < 300:
            found = cloud.state("s3").buckets.find(name) if name else None
            if found is not None and found.settings.get("payer") == "Requester":
                response.headers = [*response.headers, (b"x-amz-request-charged", b"requester")]
        reply(response)

    return answer
