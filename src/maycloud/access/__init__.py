"""Who calls, and may they?"""

from maycloud.access.authentication import NOBODY, Authenticated
from maycloud.access.failures import AccessDeniedError
from maycloud.access.guard import Access

__all__ = ["NOBODY", "Access", "AccessDeniedError", "Authenticated"]
