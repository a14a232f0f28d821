"""`python -m bench.hostile --count 1000000`: attack a cloud in a folder that is thrown away."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from bench.hostile.attack import attack, failures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clients", type=int, default=8)
    options = parser.parse_args()
    sys.path.append(str(Path(__file__).parents[2] / "tests"))
    from running import RunningCloud  # type: ignore[import-not-found]

    with tempfile.TemporaryDirectory() as folder:
        cloud = RunningCloud(Path(folder) / "data").start()
        assert cloud.process is not None
        try:
            run = attack(
                cloud.port,
                cloud.process.pid,
                count=options.count,
                seed=options.seed,
                clients=options.clients,
            )
            report = asyncio.run(run)
            wrong = failures(report, cloud.log.read_text(errors="replace"))
        finally:
            cloud.stop()
    statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(report.statuses.items()))
    print(
        f"{report.sent:,} requests in {report.seconds:.0f} s ({report.sent / report.seconds:,.0f}/s)\n"
        f"answers {statuses}; {report.closed:,} connections closed without one\n"
        f"memory {report.memory_warm:,} KiB after the warm-up, {report.memory_end:,} KiB at the end"
    )
    for each in wrong:
        print(f"- {each}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
