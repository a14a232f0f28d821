"""The declaration of Amazon S3 that its modules of operations share."""

from maycloud.services.base import Cloud, Service
from maycloud.services.s3.access import request_context, resource_policy
from maycloud.services.s3.answers import answering
from maycloud.services.s3.expiry import Expiry
from maycloud.services.s3.schema import SCHEMA
from maycloud.services.s3.store import Buckets
from maycloud.services.s3.uploads import Uploads
from maycloud.services.s3.versions import Objects


class Storage:
    """What S3 keeps per cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self.buckets = Buckets(cloud.store)
        self.objects = Objects(cloud.store)
        self.uploads = Uploads(cloud.store)
        self._expiry = Expiry(cloud, self.buckets, self.objects, self.uploads)

    def start(self) -> None:
        self._expiry.start()

    async def stop(self) -> None:
        await self._expiry.stop()


service = Service(
    "s3",
    state=Storage,
    schema=SCHEMA,
    default_policy=resource_policy,
    denied="AccessDenied",
    anonymous=True,
    context=request_context,
    answering=answering,
)
