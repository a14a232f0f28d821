"""Token buckets: of methods that have settings, and of keys in usage plans.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
"""

from typing import Any

from maycloud.store import Clock


class Bucket:
    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = now

    def take(self, now: float) -> bool:
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class Throttle:
    """Buckets of all stages and keys. The account's own limit is not one: see docs/decisions.md."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[Any, Bucket] = {}

    def admit(self, stage: Any, method: str, settings: dict[str, Any]) -> bool:
        """Whether a request may pass. `settings` are the method's: rate and burst, where they are set."""
        rate, burst = settings.get("throttlingRateLimit"), settings.get("throttlingBurstLimit")
        if rate is None or rate < 0:
            return True
        now = self._clock.time()
        key = (stage, method, rate, burst)
        return self._bucket(key, rate, burst if burst is not None else rate, now).take(now)

    def take(self, key: Any, limits: dict[str, Any]) -> bool:
        """Whether a request may pass by the limits of a usage plan, ``rateLimit`` and ``burstLimit``."""
        rate = limits.get("rateLimit")
        if rate is None:
            return True
        burst, now = limits.get("burstLimit", rate), self._clock.time()
        return self._bucket(("plan", key, rate, burst), rate, burst, now).take(now)

    def _bucket(self, key: Any, rate: float, burst: float, now: float) -> Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) > 10_000:
                self._buckets.clear()
            bucket = self._buckets[key] = Bucket(rate, burst, now)
        return bucket
