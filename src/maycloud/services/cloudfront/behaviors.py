"""A distribution's configuration compiled for serving: behaviors, cache keys, what origins get."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from maycloud.globs import compile_glob
from maycloud.services.cloudfront.common import items

Config = dict[str, Any]
Policies = Callable[[str, str], Config]  # kind and id of a policy: its configuration


@dataclass(frozen=True, slots=True)
class Known:
    """What a distribution's configuration refers to."""

    policies: Policies
    control: Callable[[str], Config | None]  # configuration of an origin access control
    canonical: Callable[[str], str]  # canonical user id of an origin access identity


# A bucket's own address, with or without its region. Website endpoints are custom origins.
S3_HOST = re.compile(
    r"(?P<bucket>[a-z0-9][a-z0-9._-]{1,61}[a-z0-9])\.s3(?:-accelerate|[.-](?:dualstack\.)?"
    r"(?P<region>[a-z]{2}(?:-[a-z]+)+-\d))?\.(?:amazonaws\.com(?:\.cn)?|localhost)"
)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which names of a kind are chosen: ``none``, ``all``, those of a list, or all but those."""

    mode: str
    names: frozenset[str] = frozenset()

    def __contains__(self, name: str) -> bool:
        if self.mode == "whitelist":
            return name in self.names
        return self.mode == "all" or (self.mode == "allExcept" and name not in self.names)

    @property
    def nothing(self) -> bool:
        return self.mode == "none"


NOTHING = Choice("none")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a behavior's requests go. `bucket` is set for an S3 origin."""

    id: str
    domain: str
    path: str
    headers: tuple[tuple[bytes, bytes], ...]
    config: Config
    bucket: str = ""
    region: str = "us-east-1"
    control: Config | None = None  # of its origin access control
    identity: str = ""  # id of its origin access identity
    canonical: str = ""  # and its canonical user id


@dataclass(frozen=True, slots=True)
class Behavior:
    pattern: re.Pattern[str]
    origin: Origin
    protocol: str
    methods: frozenset[str]
    cached_methods: frozenset[str]
    compress: bool
    encodings: tuple[str, ...]  # that are told apart in the cache, the preferred first
    key_headers: tuple[bytes, ...]
    key_cookies: Choice
    key_queries: Choice
    headers: Choice  # sent to the origin besides those that always are
    cookies: Choice
    queries: Choice
    ttl: tuple[int, int, int]
    response_policy: Config | None
    legacy: bool
    edge_headers: tuple[str, ...] = ()  # CloudFront-… that the origin wants

    @property
    def caches(self) -> bool:
        return self.ttl[2] > 0 and not (self.legacy and self.headers.mode == "all")


@dataclass(frozen=True, slots=True)
class CustomError:
    page: str
    code: int
    ttl: int


@dataclass(frozen=True, slots=True)
class Compiled:
    """One distribution, ready to serve."""

    id: str
    account: str
    arn: str
    domain: str
    enabled: bool
    root: str
    behaviors: tuple[Behavior, ...]
    via: bytes  # how it names itself to origins, and knows itself again
    errors: dict[int, CustomError] = field(default_factory=dict[int, CustomError])

    def match(self, path: str) -> Behavior:
        """The first behavior whose pattern fits, the default one at last. `path` is decoded."""
        return next(each for each in self.behaviors if each.pattern.fullmatch(path))


def pattern_of(text: str) -> re.Pattern[str]:
    """``*`` is any characters, ``?`` one; case counts; a leading slash may be left out."""
    return compile_glob("/" + text.removeprefix("/"), single=True)


def _choice(config: Config, kind: str, listed: str, *, lower: bool = False) -> Choice:
    mode = config[f"{kind}Behavior"]
    names = items(config.get(listed))
    return Choice(mode, frozenset(name.lower() if lower else name for name in names))


def compile_distribution(document: Config, account: str, domain: str, via: bytes, known: Known) -> Compiled:
    config, policies = document["config"], known.policies
    origins = {each["Id"]: _origin(each, known) for each in items(config["Origins"])}
    found = [
        _behavior(each, pattern_of(each["PathPattern"]), origins, policies)
        for each in items(config["CacheBehaviors"])
    ]
    default = config["DefaultCacheBehavior"]
    found.append(_behavior(default, re.compile(".*", re.DOTALL), origins, policies))
    errors = {
        each["ErrorCode"]: CustomError(
            each.get("ResponsePagePath") or "",
            int(each.get("ResponseCode") or each["ErrorCode"]),
            each.get("ErrorCachingMinTTL", 10),
        )
        for each in items(config["CustomErrorResponses"])
    }
    arn = f"arn:aws:cloudfront::{account}:distribution/{document['id']}"
    return Compiled(
        document["id"], account, arn, domain, config["Enabled"], config["DefaultRootObject"], tuple(found),
        via, errors,
    )  # fmt: skip


def _origin(config: Config, known: Known) -> Origin:
    headers = tuple(
        (each["HeaderName"].lower().encode("latin-1"), each["HeaderValue"].encode())
        for each in items(config["CustomHeaders"])
    )
    domain = config["DomainName"].lower()
    s3 = config.get("S3OriginConfig")
    match = S3_HOST.fullmatch(domain) if s3 is not None else None
    if s3 is None or match is None:
        return Origin(config["Id"], domain, config["OriginPath"], headers, config)
    control = config["OriginAccessControlId"]
    identity = s3["OriginAccessIdentity"].rpartition("/")[2]
    return Origin(
        config["Id"], domain, config["OriginPath"], headers, config, match["bucket"],
        match["region"] or "us-east-1", known.control(control) if control else None,
        identity, known.canonical(identity) if identity else "",
    )  # fmt: skip


def _behavior(
    config: Config, pattern: re.Pattern[str], origins: dict[str, Origin], policies: Policies
) -> Behavior:
    methods = config["AllowedMethods"]
    keyed = _keyed_legacy(config) if config.get("ForwardedValues") else _keyed(config, policies)
    policy = config.get("ResponseHeadersPolicyId")
    return Behavior(
        pattern=pattern,
        origin=origins[config["TargetOriginId"]],
        protocol=config["ViewerProtocolPolicy"],
        methods=frozenset(items(methods)),
        cached_methods=frozenset(items(methods["CachedMethods"])),
        compress=config["Compress"],
        response_policy=policies("response-headers", policy) if policy else None,
        **keyed,
    )


def _keyed(config: Config, policies: Policies) -> dict[str, Any]:
    """Key and forwarding by cache policy and origin request policy; what is in the key is sent on."""
    cache = policies("cache", config["CachePolicyId"])
    keyed = cache["ParametersInCacheKeyAndForwardedToOrigin"]
    headers = sorted(name.lower() for name in items(keyed["HeadersConfig"].get("Headers")))
    key_cookies = _choice(keyed["CookiesConfig"], "Cookie", "Cookies")
    key_queries = _choice(keyed["QueryStringsConfig"], "QueryString", "QueryStrings")
    encodings: list[str] = []
    if keyed.get("EnableAcceptEncodingBrotli"):
        encodings.append("br")
    if keyed["EnableAcceptEncodingGzip"]:
        encodings.append("gzip")
    sent_headers, sent_cookies, sent_queries = Choice("none"), NOTHING, NOTHING
    edge: tuple[str, ...] = ()
    if config.get("OriginRequestPolicyId"):
        request = policies("origin-request", config["OriginRequestPolicyId"])
        sent_headers, edge = _request_headers(request["HeadersConfig"])
        sent_cookies = _choice(request["CookiesConfig"], "Cookie", "Cookies")
        sent_queries = _choice(request["QueryStringsConfig"], "QueryString", "QueryStrings")
    return {
        "encodings": tuple(encodings),
        "key_headers": tuple(name.encode() for name in headers),
        "key_cookies": key_cookies,
        "key_queries": key_queries,
        "headers": _both(Choice("whitelist", frozenset(headers)), sent_headers),
        "cookies": _both(key_cookies, sent_cookies),
        "queries": _both(key_queries, sent_queries),
        "ttl": (cache["MinTTL"], cache["DefaultTTL"], cache["MaxTTL"]),
        "legacy": False,
        "edge_headers": tuple({*edge, *(name for name in headers if name.startswith("cloudfront-"))}),
    }


def _request_headers(config: Config) -> tuple[Choice, tuple[str, ...]]:
    mode = config["HeaderBehavior"]
    names = frozenset(name.lower() for name in items(config.get("Headers")))
    edge = tuple(sorted(name for name in names if name.startswith("cloudfront-")))
    if mode in ("allViewer", "allViewerAndWhitelistCloudFront"):
        return Choice("all"), edge
    return Choice(mode, names), edge


def _both(one: Choice, other: Choice) -> Choice:
    """What either chooses."""
    if "all" in (one.mode, other.mode):
        return Choice("all")
    if one.mode == "allExcept" and other.mode == "allExcept":
        return Choice("allExcept", one.names & other.names)
    for first, second in ((one, other), (other, one)):
        if first.mode == "allExcept":
            return Choice("allExcept", first.names - second.names)
    names = one.names | other.names
    return Choice("whitelist", names) if names else NOTHING


def _keyed_legacy(config: Config) -> dict[str, Any]:
    forwarded = config["ForwardedValues"]
    headers = [name.lower() for name in items(forwarded["Headers"])]
    everything = "*" in headers
    cookies = Choice(
        forwarded["Cookies"]["Forward"], frozenset(items(forwarded["Cookies"].get("WhitelistedNames")))
    )
    queries = Choice("all") if forwarded["QueryString"] else NOTHING
    keys = frozenset(items(forwarded["QueryStringCacheKeys"]))
    return {
        "encodings": ("gzip",) if config["Compress"] else (),
        "key_headers": () if everything else tuple(sorted(name.encode() for name in headers)),
        "key_cookies": cookies,
        "key_queries": Choice("whitelist", keys) if keys else queries,
        "headers": Choice("all") if everything else Choice("whitelist", frozenset(headers)),
        "cookies": cookies,
        "queries": queries,
        "ttl": (config["MinTTL"], config["DefaultTTL"], config["MaxTTL"]),
        "legacy": True,
        "edge_headers": tuple(name for name in headers if name.startswith("cloudfront-")),
    }


def choose_query(query: str, choice: Choice) -> str:
    """The chosen parts of a query string, as they were sent and in their order."""
    if not query or choice.nothing:
        return ""
    if choice.mode == "all":
        return query
    return "&".join(
        part for part in query.split("&") if part and unquote_plus(part.partition("=")[0]) in choice
    )


def choose_cookies(header: bytes, choice: Choice) -> bytes:
    """The chosen cookies of a Cookie header."""
    if not header or choice.nothing:
        return b""
    if choice.mode == "all":
        return header
    parts: Iterable[bytes] = (part.strip() for part in header.split(b";"))
    return b"; ".join(
        part for part in parts if part and part.partition(b"=")[0].strip().decode("latin-1") in choice
    )
