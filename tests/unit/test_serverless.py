"""What SAM's translator takes for granted is refused, not run into."""

from typing import Any

import pytest

from maycloud.errors import AwsError
from maycloud.services.cloudformation.transform import _translate


@pytest.mark.parametrize("globals_", ["text", [1], {"Tags": "text", "PropagateTags": True}])
def test_malformed_globals_are_refused(globals_: Any) -> None:
    event = {"Type": "Api", "Properties": {"Path": "/", "Method": "get"}}
    function = {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "Runtime": "python3.12", "Handler": "a.b", "InlineCode": "x", "Events": {"E": event},
        },
    }  # fmt: skip
    template = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Globals": {"Function": globals_},
        "Resources": {"F": function},
    }
    with pytest.raises(AwsError, match="Serverless-2016-10-31 failed with: The template is malformed"):
        _translate(template, {}, "us-east-1")
