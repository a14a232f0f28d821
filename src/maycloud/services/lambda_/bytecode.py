"""Packages compiled: environments cannot write to theirs, and would compile them at each of their starts."""

import asyncio
import contextlib
import sys
from pathlib import Path

_LEAST = 64 << 10  # bytes of source below which compiling takes a start a few milliseconds
_PATIENCE = 5.0  # seconds that a request waits for its package to be compiled


class Compiler:
    """Compiles folders in processes beside this one."""

    def __init__(self) -> None:
        self._running: dict[asyncio.Task[None], asyncio.subprocess.Process | None] = {}

    async def compile(self, folder: Path, sources: int) -> None:
        """Where the `sources` in bytes are worth it; a very large package goes on compiling afterwards."""
        if sources >= _LEAST:
            task = asyncio.get_running_loop().create_task(self._compile(folder))
            self._running[task] = None
            task.add_done_callback(lambda done: self._running.pop(done, None))
            await asyncio.wait({task}, timeout=_PATIENCE)

    async def stop(self) -> None:
        for task, process in list(self._running.items()):
            if process is not None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _compile(self, folder: Path) -> None:
        quiet = asyncio.subprocess.DEVNULL
        # Nobody changes a package: its files need not be compared with what was compiled.
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash",
            str(folder),
            stdin=quiet, stdout=quiet, stderr=quiet,
        )  # fmt: skip
        task = asyncio.current_task()
        assert task is not None
        self._running[task] = process
        await process.wait()
