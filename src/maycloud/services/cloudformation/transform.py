"""Transforms: includes, loops, and AWS SAM made plain by its own translator, without calling AWS.

https://github.com/aws/serverless-application-model
"""

import asyncio
import copy
import logging
import threading
from typing import Any

from maycloud.services.cloudformation.includes import INCLUDE, Read, include
from maycloud.services.cloudformation.language import (
    LANGUAGE_EXTENSIONS,
    check_undeclared,
    extend,
    scope_of,
)
from maycloud.services.cloudformation.macros import RESERVED, Macros, known_parameters, named, whole
from maycloud.services.cloudformation.parameters import Values
from maycloud.services.cloudformation.template import Template, check_form, declared_transforms, error

SERVERLESS = "AWS::Serverless-2016-10-31"

_lock = threading.Lock()  # the translator keeps its region in a class variable


async def transform(
    template: Template,
    values: Values,
    resolved: dict[str, Any],
    account: str,
    region: str,
    read: Read,
    macros: Macros,
) -> Template:
    """The template after its transforms; `template` itself where it has none.

    `values` are the parameters as text, `resolved` what Ref gives for them; `read` reads objects.
    """
    names = declared_transforms(template)
    for name in names:
        if name.startswith(RESERVED) and name not in (SERVERLESS, LANGUAGE_EXTENSIONS, INCLUDE):
            raise error(f"No transform named {name} found.")
    macros.check(names)
    calls = template.get("Transform") or []
    template = await include(template, resolved, read, macros)
    for call in calls if isinstance(calls, list) else [calls]:
        name, params = named(call)
        if not name.startswith(RESERVED):
            fragment = {section: body for section, body in template.items() if section != "Transform"}
            made = await macros.expand(name, known_parameters(params, resolved), fragment, resolved)
            template = whole(made) | {"Transform": template.get("Transform")}
    check_undeclared(template)
    if LANGUAGE_EXTENSIONS in names:
        template = extend(template, scope_of(template, resolved, account, region))
    if SERVERLESS not in names:
        return {name: section for name, section in template.items() if name != "Transform"}
    check_form(template)
    for logical_id, resource in template["Resources"].items():
        location = (resource.get("Properties") or {}).get("Location")
        if resource["Type"] == "AWS::Serverless::Application" and _in_repository(location):
            raise _failed(
                f"Resource with id [{logical_id}] is invalid. Applications of the Serverless Application"
                " Repository are not supported by Maycloud."
            )
    # A second of importing and much computing: not on the loop.
    return await asyncio.to_thread(_translate, copy.deepcopy(template), dict(values), region)


def _in_repository(location: Any) -> bool:
    """Whether an application lies in the Serverless Application Repository, not in S3."""
    return isinstance(location, dict) and "ApplicationId" in location


def _failed(message: str) -> Exception:
    return error(f"Transform {SERVERLESS} failed with: {message}")


def _translate(template: Template, values: dict[str, Any], region: str) -> Template:
    from boto3 import Session
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator
    from samtranslator.utils.py27hash_fix import (
        to_py27_compatible_template,
        undo_mark_unicode_str_in_template,
    )

    # It logs what a malformed template runs into; the refusal says so already.
    logging.getLogger("samtranslator").setLevel(logging.CRITICAL)
    with _lock:
        to_py27_compatible_template(template, values)
        translator = Translator({}, Parser(), boto_session=Session(region_name=region))
        try:
            translated = translator.translate(template, values)
        except InvalidDocumentException as failure:
            causes = sorted(cause.message for cause in failure.causes)
            raise _failed(" ".join([failure.message, *causes])) from failure
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as failure:
            # The translator takes much of a template's form for granted.
            raise _failed(f"The template is malformed: {failure}") from failure
        finally:
            translator.metrics.publish()  # to nobody; it warns of what it still holds
    return undo_mark_unicode_str_in_template(translated)
