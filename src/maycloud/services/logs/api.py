"""Amazon CloudWatch Logs' operations."""

from maycloud.services.logs import events, groups, metric_filters, streams
from maycloud.services.logs.service import service

# Each of them declares its operations with the service when it is imported.
OPERATIONS = (groups, streams, events, metric_filters)

__all__ = ["OPERATIONS", "service"]
