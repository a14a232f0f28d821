"""Addresses of data planes: AWS's own names turned into ones that reach this cloud.

A template builds ``https://{api}.execute-api.{region}.amazonaws.com/{stage}``; deployed here, that
address must lead here. Where the machine resolves names below ``localhost`` the host form is used,
elsewhere the path form, so that any client can follow what a stack's outputs say.
"""

import re
import socket

_EXECUTE_API = re.compile(
    r"(https|wss)://([a-z0-9]{8,12})\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(?:/([A-Za-z0-9_$-]+))?"
)
_CLOUDFRONT = re.compile(r"(https?)://(d[a-z0-9]{13})\.cloudfront\.net(?![a-z0-9.-])")
_COGNITO = re.compile(r"https://([a-z0-9-]+)\.auth\.([a-z0-9-]+)\.amazoncognito\.com(?![a-z0-9.-])")
_ISSUER = re.compile(r"https://cognito-idp\.[a-z0-9-]+\.amazonaws\.com/([a-z0-9-]+_[0-9A-Za-z]+)")


class Addresses:
    """Rewrites addresses for a cloud that listens on `port` of `host`."""

    def __init__(self, port: int, host: str = "localhost", *, host_form: bool | None = None) -> None:
        """`host_form` None looks whether names below `host` resolve."""
        self.port = port
        self.host = host
        self._host_form = resolves(f"probe.{host}") if host_form is None else host_form

    def localize(self, text: str) -> str:
        """`text` with every AWS data-plane address in it turned into one of this cloud's."""
        if "amazonaws.com" in text:
            text = _EXECUTE_API.sub(self._execute_api, text)
            # Plain HTTP, as it stands in the pool's tokens: see docs/decisions.md.
            text = _ISSUER.sub(rf"http://{self.host}:{self.port}/\1", text)
        if "cloudfront.net" in text:
            text = _CLOUDFRONT.sub(self._cloudfront, text)
        if "amazoncognito.com" in text:
            text = _COGNITO.sub(self._cognito, text)
        return text

    def _cloudfront(self, match: re.Match[str]) -> str:
        scheme, label = match.groups()
        if self._host_form:
            return f"{scheme}://{label}.cloudfront.{self.host}:{self.port}"
        return f"{scheme}://{self.host}:{self.port}/_aws/cloudfront/{label}"

    def _cognito(self, match: re.Match[str]) -> str:
        domain, region = match.groups()
        if self._host_form:
            return f"https://{domain}.auth.{region}.{self.host}:{self.port}"
        return f"https://{self.host}:{self.port}/_aws/cognito/{domain}"

    def _execute_api(self, match: re.Match[str]) -> str:
        scheme, api, region, stage = match.groups()
        if self._host_form:
            rest = f"/{stage}" if stage else ""
            return f"{scheme}://{api}.execute-api.{region}.{self.host}:{self.port}{rest}"
        # The path form knows no region: an API's id is its own in the whole cloud.
        rest = f"/{stage}" if stage else ""
        return f"{scheme}://{self.host}:{self.port}/_aws/execute-api/{api}{rest}"


def resolves(name: str) -> bool:
    """Whether this machine's resolver gives a loopback address for `name`."""
    try:
        found = socket.getaddrinfo(name, None)
    except OSError:
        return False
    return all(entry[4][0] in ("127.0.0.1", "::1") for entry in found)
