"""AWS Systems Manager's operations: those of Parameter Store."""

from maycloud.services.ssm import labels, parameters
from maycloud.services.ssm.service import service

__all__ = ["labels", "parameters", "service"]
