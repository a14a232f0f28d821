"""Amazon API Gateway's REST APIs (v1): the operations of its management side."""

from maycloud.services.apigateway import (
    api_keys,
    apis,
    authorizer_trials,
    authorizers,
    components,
    definitions_api,
    deployments,
    documentation,
    method_trials,
    methods,
    resources,
    stages,
    usage_plans,
)
from maycloud.services.apigateway.service import service

# Each of them declares its operations with the service when it is imported.
OPERATIONS = (
    api_keys, apis, authorizer_trials, authorizers, components, definitions_api, deployments,
    documentation, method_trials, methods, resources, stages, usage_plans,
)  # fmt: skip

__all__ = ["OPERATIONS", "service"]
