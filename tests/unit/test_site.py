"""Front ends of a template: which there are, and how they are built."""

from pathlib import Path

import pytest

from maycloud.cli import site
from maycloud.cli.failure import Failure

TEMPLATE = {
    "Resources": {
        "Plain": {"Type": "AWS::S3::Bucket"},
        "Web": {"Type": "AWS::S3::Bucket", "Metadata": {"Site": {"Source": "web", "Distribution": "Cdn"}}},
        "Table": {"Type": "AWS::DynamoDB::Table", "Metadata": {"Site": {"Source": "web"}}},
    }
}


def test_buckets_ask_for_sites(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="which is not there"):
        list(site.sites(TEMPLATE, tmp_path))
    (tmp_path / "web").mkdir()
    assert list(site.sites(TEMPLATE, tmp_path)) == [site.Site("Web", tmp_path / "web", "Cdn")]


def test_a_folder_without_a_package_is_taken_as_it_is(tmp_path: Path) -> None:
    assert site.build_site(tmp_path, tmp_path / "cache") == tmp_path


@pytest.mark.parametrize("meanwhile", [False, True])
def test_a_build_is_kept_by_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: bool
) -> None:
    """Once for the same source, also where another deployment finishes the same build first."""
    source, cache = tmp_path / "web", tmp_path / "cache"
    source.mkdir()
    (source / "package.json").write_text("{}")
    ran: list[str] = []

    def run_tool(command: list[str], folder: Path, _what: str) -> None:
        ran.append(command[1])
        if command[1] == "run":
            (folder / "dist").mkdir()
            (folder / "dist" / "index.html").write_text("built")
            if meanwhile:
                other = cache / f"{site.digest_of(source, 'site')}.site"
                other.mkdir()
                (other / "index.html").write_text("built")

    monkeypatch.setattr(site, "run_tool", run_tool)
    built = site.build_site(source, cache)
    assert (built / "index.html").read_text() == "built"
    assert site.build_site(source, cache) == built
    assert ran == ["install", "run"]
    assert [path.suffix for path in cache.iterdir()] == [".site"]
