"""Compile the hot modules (`maycloud.native.MODULES`) with mypyc, on all cores; nothing to do if they are.

It is an acceleration, and optional: where it cannot be made, this says why and leaves it at that.
"""

import contextlib
import io
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from maycloud import native

KEPT = 3  # builds: going back to the sources before needs no compiling
OPTIMISE = ["-O2", "-g0", "-DNDEBUG", "-fwrapv", "-w"]


class CannotCompileError(Exception):
    """Why not."""


def main() -> None:
    if os.environ.get("MAY_NATIVE") == "0":
        return
    try:
        build()
    except CannotCompileError as error:
        say(f"{error}\nnative: Maycloud runs as Python, which is slower and otherwise the same")


def build() -> None:
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    if shutil.which(compiler[0]) is None:
        raise CannotCompileError(f"there is no C compiler, {compiler[0]} (Debian: gcc)")
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        raise CannotCompileError("there are no headers of Python (Debian: python3-dev)")
    made_with = toolchain(compiler)
    target = native.folder()
    if native.is_built() and (target / "built").read_text() == made_with:
        return
    begun = time.monotonic()
    say("compiling the hot modules …")
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".building-", dir=target.parent))
    try:
        out = work / "out"
        out.mkdir()
        to_machine_code(compiler, to_c(work / "c"), out)
        (out / "built").write_text(made_with)
        shutil.rmtree(target, ignore_errors=True)
        out.rename(target)
    finally:
        shutil.rmtree(work)
    for old in sorted(target.parent.glob("[0-9a-f]*"), key=lambda each: each.stat().st_mtime)[:-KEPT]:
        shutil.rmtree(old)  # a process that has it loaded keeps it
    say(f"done in {time.monotonic() - begun:.0f} s")


def say(text: str) -> None:
    print(f"native: {text}", flush=True)


def toolchain(compiler: list[str]) -> str:
    """What a build is made with, besides the sources and the interpreter that its folder is named by."""
    try:
        from mypy.version import __version__ as mypy
    except ImportError as error:
        raise CannotCompileError("mypy is not installed, which has the compiler mypyc") from error
    shown = subprocess.run([*compiler, "--version"], capture_output=True, text=True, check=True).stdout
    return f"mypyc {mypy}, {shown.partition(chr(10))[0]}, {' '.join(OPTIMISE)}\n"


def to_c(folder: Path) -> list[Any]:
    """C files, as setuptools' extensions: one for what all share, one more for each module."""
    from mypyc.build import mypycify

    os.chdir(native.SOURCES)  # tracebacks name files below it
    # Types of what is not compiled are not looked at: the sources of MODULES alone decide what is built.
    options = ["--follow-imports=skip", "--ignore-missing-imports", "--config-file="]
    # Nor is it known how many arguments their tuples come to; pyright, which sees them, counts.
    options += [f"--cache-dir={os.devnull}", "--disable-error-code=call-arg"]
    paths = [str(native.source(module).relative_to(native.SOURCES)) for module in native.MODULES]
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            return mypycify(
                [*options, *paths], multi_file=True, target_dir=str(folder), group_name=native.GROUP
            )
    except SystemExit as error:
        raise CannotCompileError(f"mypyc refuses the sources:\n{said.getvalue()}") from error


def to_machine_code(compiler: list[str], extensions: list[Any], out: Path) -> None:
    command = [*compiler, *OPTIMISE, *shlex.split(sysconfig.get_config_var("CCSHARED") or "")]
    command += ["-I", sysconfig.get_path("include")]
    link = shlex.split(sysconfig.get_config_var("LDSHARED"))

    def compiled(file: str, includes: list[str]) -> str:
        run([*command, *(f"-I{each}" for each in includes), "-c", file, "-o", f"{file}.o"])
        return f"{file}.o"

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {
            each.name: [pool.submit(compiled, file, each.include_dirs) for file in each.sources]
            for each in extensions
        }
        count = sum(map(len, jobs.values()))
        done = 0
        for name, parts in jobs.items():
            objects: list[str] = []
            for part in parts:
                objects.append(part.result())
                done += 1
                progress(done, count)
            run([*link, *objects, "-o", str(out / (name + native.SUFFIX))])


def progress(done: int, count: int) -> None:
    if sys.stdout.isatty():
        print(f"\rnative: {done} of {count} files", end="\n" if done == count else "", flush=True)


def run(command: list[str]) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise CannotCompileError(f"{shlex.join(command)}\n{ran.stderr}")


if __name__ == "__main__":
    main()
