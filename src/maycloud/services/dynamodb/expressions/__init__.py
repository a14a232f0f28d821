"""DynamoDB's expressions: parsed once for each text, bound to each request's names and values.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

from maycloud.services.dynamodb.expressions.conditions import Predicate, compile_condition
from maycloud.services.dynamodb.expressions.keyconditions import KeyCondition, KeyConditions, KeyTests
from maycloud.services.dynamodb.expressions.lexer import Used
from maycloud.services.dynamodb.expressions.projections import Projection, compile_projection
from maycloud.services.dynamodb.expressions.updates import Update, compile_update

__all__ = [
    "KeyCondition",
    "KeyConditions",
    "KeyTests",
    "Predicate",
    "Projection",
    "Update",
    "Used",
    "compile_condition",
    "compile_projection",
    "compile_update",
]
