"""Packages compiled: environments cannot write to theirs, and would compile them at each of their starts."""

import asyncio
import contextlib
import shutil
import sys
from pathlib import Path

_LEAST = 64 << 10  # bytes of source below which compiling takes a start a few milliseconds


class Compiler:
    """Compiles folders beside what else is done, in processes of the lowest priority."""

    def __init__(self) -> None:
        self._running: dict[asyncio.Task[None], asyncio.subprocess.Process | None] = {}

    def compile(self, folder: Path, sources: int) -> None:
        """Begin, where the `sources` in bytes are worth it. Until it is done, starts take longer."""
        if sources >= _LEAST:
            task = asyncio.get_running_loop().create_task(self._compile(folder))
            self._running[task] = None
            task.add_done_callback(lambda done: self._running.pop(done, None))

    async def stop(self) -> None:
        for task, process in list(self._running.items()):
            if process is not None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _compile(self, folder: Path) -> None:
        nice = shutil.which("nice")
        command = [*([nice, "-n", "19"] if nice else []), sys.executable, "-I", "-m", "compileall", "-q"]
        quiet = asyncio.subprocess.DEVNULL
        # Nobody changes a package: its files need not be compared with what was compiled.
        process = await asyncio.create_subprocess_exec(
            *command, "--invalidation-mode", "unchecked-hash", str(folder),
            stdin=quiet, stdout=quiet, stderr=quiet,
        )  # fmt: skip
        task = asyncio.current_task()
        assert task is not None
        self._running[task] = process
        await process.wait()
