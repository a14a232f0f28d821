"""`python -m bench.kills --rounds 200`: kill a cloud in a folder that is thrown away."""

import argparse
import sys
import tempfile
from pathlib import Path

from bench.kills.rounds import play


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--durability", choices=("process", "power"), default="process")
    options = parser.parse_args()
    sys.path.append(str(Path(__file__).parents[2] / "tests"))
    from running import RunningCloud  # type: ignore[import-not-found]

    with tempfile.TemporaryDirectory() as folder:
        cloud = RunningCloud(Path(folder) / "data", "--durability", options.durability).start()
        try:
            report = play(cloud, options.rounds, options.seed, show=lambda line: print(line, flush=True))
        finally:
            cloud.stop()
    kinds = ", ".join(f"{name} {count:,}" for name, count in report.acknowledged.items())
    print(f"{report.rounds} deaths in {report.seconds:.0f} s; acknowledged, and all there: {kinds}")


if __name__ == "__main__":
    main()
