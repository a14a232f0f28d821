"""Amazon S3's operations: those on buckets are in `bucket_api`, those on objects in `object_api`."""

from maycloud.services.s3 import bucket_api, object_api
from maycloud.services.s3.service import service

# They declare their operations with the service when they are imported.
OPERATIONS = (bucket_api, object_api)

__all__ = ["OPERATIONS", "service"]
