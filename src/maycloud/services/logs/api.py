"""Amazon CloudWatch Logs' operations."""

from maycloud.services.logs import events, groups, metric_filters, policies, streams, subscriptions
from maycloud.services.logs.service import service

# Each of them declares its operations with the service when it is imported.
OPERATIONS = (groups, streams, events, metric_filters, subscriptions, policies)

__all__ = ["OPERATIONS", "service"]
