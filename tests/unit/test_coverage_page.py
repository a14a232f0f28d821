"""docs/coverage.md says what the code has."""

from pathlib import Path

from maycloud import coverage
from maycloud.loading import SERVICES, load_service
from maycloud.wire.models import Model

PAGE = Path(__file__).parents[2] / "docs" / "coverage.md"


def test_the_page_is_made_from_the_code_as_it_is() -> None:
    assert PAGE.read_text() == coverage.render(), "run: python -m maycloud.coverage > docs/coverage.md"


def test_every_operation_is_one_of_awss_model() -> None:
    for name, service in ((name, load_service(name)) for name in SERVICES):
        unknown = set(service.operations) - set(Model(name).operations)
        assert not unknown, f"{name} has operations that AWS does not: {unknown}"
