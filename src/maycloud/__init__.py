"""Maycloud: a local cloud in one Python process that speaks AWS's own protocols."""

__version__ = "0.1.0"

from maycloud import native

native.install()
