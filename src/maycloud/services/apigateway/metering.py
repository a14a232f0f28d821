"""API keys of requests: who must have one, how often it may be used, and how much.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
"""

from maycloud.services.apigateway import quotas
from maycloud.services.apigateway.exchange import Exchange
from maycloud.services.apigateway.gateway_responses import GatewayError
from maycloud.services.apigateway.key_store import Keys
from maycloud.services.apigateway.plans import MethodPlan
from maycloud.services.apigateway.throttling import Throttle
from maycloud.store import Clock, Document


class Meter:
    """Lets requests pass by their keys and counts them."""

    def __init__(self, keys: Keys, throttle: Throttle, clock: Clock) -> None:
        self._keys = keys
        self._throttle = throttle
        self._clock = clock

    def admit(self, exchange: Exchange, method: MethodPlan) -> None:
        """Raises GatewayError for a key that is missing, unknown, not enabled or of another API's plan."""
        if exchange.deployment.get("apiKeySource") == "AUTHORIZER":
            value = exchange.usage_key
        else:
            value = exchange.request.header("x-api-key")
        found = self._keys.find(exchange.scope, value) if value else None
        if found is None or not found[0]["enabled"]:
            raise GatewayError("INVALID_API_KEY")
        key, plans = found
        for plan in plans:
            for stage in plan["apiStages"]:
                if stage["apiId"] == exchange.api and stage["stage"] == exchange.stage_name:
                    exchange.api_key = key
                    self._meter(plan, stage, key["id"], method)
                    return
        raise GatewayError("INVALID_API_KEY")

    def _meter(self, plan: Document, stage: Document, key: str, method: MethodPlan) -> None:
        """Per method, then for all of the plan, then the quota."""
        own = (stage.get("throttle") or {}).get(method.throttle_key)
        where = (plan["id"], key)
        if own and not self._throttle.take((*where, stage["apiId"], method.throttle_key), own):
            raise GatewayError("THROTTLED")
        if plan.get("throttle") and not self._throttle.take(where, plan["throttle"]):
            raise GatewayError("THROTTLED")
        day = quotas.today(self._clock.time())
        if plan.get("quota") and quotas.left(self._keys, plan, key, day) < 1:
            raise GatewayError("QUOTA_EXCEEDED")
        self._keys.count(plan["id"], key, f"{day}")
