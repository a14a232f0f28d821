"""Runs the benchmarks, all or those that are named, and writes bench/RESULTS.md."""

import argparse
import importlib

from bench.measuring import Bench
from bench.report import RESULTS, write

# A module each, with `run(bench)` that gives its section.
SUBJECTS = ("edge", "dynamodb", "growth", "dax", "lambda_", "s3", "todo", "cognito", "startup")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("what", nargs="*", help=f"of {', '.join(SUBJECTS)}; all unless given")
    parser.add_argument("--quick", action="store_true", help="short rounds, for trying the benchmarks out")
    given = parser.parse_args()
    unknown = set(given.what) - set(SUBJECTS)
    if unknown:
        parser.error(f"no benchmark of {', '.join(sorted(unknown))}; there are {', '.join(SUBJECTS)}")
    bench = Bench(quick=given.quick)
    for name in given.what or SUBJECTS:
        section = importlib.import_module(f"bench.{name}").run(bench)
        write(section, quick=given.quick)
    bench.say(f"written to {RESULTS}")


if __name__ == "__main__":
    main()
