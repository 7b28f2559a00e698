"""`make soak`: the line's fault tests again and again, with PostgreSQL away for thirty seconds each time.

Options: `--rounds N` (10). Stops at the first round that fails; its output says what was lost.
"""

import argparse
import os
import subprocess
import sys
import time

AWAY_S = "30"


def main() -> int:
    """Exit code of the first failing round, else 0."""
    options = argparse.ArgumentParser(prog="make soak", description=__doc__)
    options.add_argument("--rounds", type=int, default=10)
    rounds = options.parse_args().rounds
    for number in range(1, rounds + 1):
        began = time.monotonic()
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "tests/line"]
        code = subprocess.run(command, env={**os.environ, "HOTLINE_SOAK_AWAY_S": AWAY_S}).returncode
        print(f"round {number} of {rounds}: {'lost' if code else 'kept'}, {time.monotonic() - began:.0f} s", flush=True)
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
