"""The example of docs/sign-in.md does what the page says."""

import re
import subprocess
import sys
from pathlib import Path

from running import RunningCloud

PAGE = Path(__file__).parents[2] / "docs" / "sign-in.md"


def test_the_example_runs(cloud: RunningCloud) -> None:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    check = """
from botocore.exceptions import ClientError
assert ann.get_object(Bucket="files-of-people", Key=f"private/{identity}/note")["Body"].read() == b"mine"
try:
    ann.put_object(Bucket="files-of-people", Key="private/somebody/note", Body=b"")
except ClientError as error:
    assert error.response["Error"]["Code"] == "AccessDenied"
else:
    raise AssertionError("another's prefix was open")
"""
    ran = subprocess.run(
        [sys.executable, "-c", found[1] + check],
        env=cloud.environment(), capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
