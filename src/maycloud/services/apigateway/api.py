"""Amazon API Gateway's REST APIs (v1): the operations of its management side."""

from maycloud.services.apigateway import (
    apis,
    authorizers,
    components,
    definitions_api,
    deployments,
    methods,
    resources,
    stages,
)
from maycloud.services.apigateway.service import service

# Each of them declares its operations with the service when it is imported.
OPERATIONS = (apis, authorizers, components, definitions_api, deployments, methods, resources, stages)

__all__ = ["OPERATIONS", "service"]
