"""Sockets: HTTP/1.1 on uvloop and httptools, TLS on the same port, host and path routing."""
