"""Finding systems: a folder with a template, named by path or by its name below ``systems/``."""

from pathlib import Path

from maycloud.cli.failure import Failure

TEMPLATES = ("template.yaml", "template.yml", "template.json")


def systems_folder() -> Path | None:
    """``systems/`` of the working folder or the nearest folder above, else of the source tree."""
    for folder in (Path.cwd(), *Path.cwd().parents, Path(__file__).parents[3]):
        if (folder / "systems").is_dir():
            return folder / "systems"
    return None


def find_template(name: str) -> tuple[str, Path]:
    """The stack name and the template that `name` means. Raises Failure."""
    path = Path(name)
    if path.is_file():
        return path.absolute().parent.name, path.absolute()
    folders = [path.absolute()]
    systems = systems_folder()
    if systems is not None and path.name == name:
        folders.append(systems / name)
    for folder in folders:
        for template in TEMPLATES:
            if (folder / template).is_file():
                return folder.name, folder / template
    known = sorted(p.parent.name for p in systems.glob("*/template.yaml")) if systems else []
    raise Failure(
        f"there is no template at {name}",
        f"Give a folder with a template.yaml, or a system: {', '.join(known) or 'none here'}.",
    )


def all_systems() -> list[str]:
    systems = systems_folder()
    return sorted(p.parent.name for p in systems.glob("*/template.yaml")) if systems else []
