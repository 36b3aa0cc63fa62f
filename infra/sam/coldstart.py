"""How long a function takes from nothing to its first answer, under the runtime interface emulator.

    python infra/sam/coldstart.py --env-vars containers.json --events infra/events

Several builds, such as of several profiles, are measured in turns, for a machine that is busy now
and idle then is so to all of them.

The emulator starts the function's process with the first invocation, so what is timed is: the
process starts, builds its clients, asks for work, does it, and the answer is back. The store is
wherever the variables say; without TLS, as a local gateway serves it.
"""

import argparse
import json
import pathlib
import statistics
import time

from emulate import Environment


def first_answer(build, function, variables, event):
    """Milliseconds to the first answer of a new process, and to its second."""
    environment = Environment(function, build / function / "bootstrap", variables)
    try:
        times = []
        for _ in range(2):
            start = time.perf_counter()
            environment.invoke(event)
            times.append((time.perf_counter() - start) * 1000)
        return times
    finally:
        environment.process.terminate()
        environment.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, nargs="+", default=[pathlib.Path(".aws-sam/build")])
    parser.add_argument("--env-vars", type=pathlib.Path, required=True)
    parser.add_argument("--events", type=pathlib.Path, default="infra/events")
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    variables = json.loads(arguments.env_vars.read_text())["Parameters"]
    print("| function | build | size, MB | first answer, ms | second, ms |\n|---|---|---|---|---|")
    for path in sorted(arguments.events.glob("*.json")):
        function = f"{path.stem.capitalize()}Function"
        event = path.read_bytes()
        builds = [build for build in arguments.build if (build / function / "bootstrap").is_file()]
        rounds = {build: [] for build in builds}
        for _ in range(arguments.rounds):
            for build, times in rounds.items():
                times.append(first_answer(build.resolve(), function, variables, event))
        for build, times in rounds.items():
            first, second = (statistics.median(column) for column in zip(*times))
            size = (build / function / "bootstrap").stat().st_size / 1_000_000
            print(f"| {path.stem} | {build.name} | {size:.1f} | {first:.1f} | {second:.1f} |", flush=True)


if __name__ == "__main__":
    main()
