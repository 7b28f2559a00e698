"""`make soak`: the tests of faults again and again, harder than in `make test`.

PostgreSQL is away for thirty seconds each time, two hundred calls come at once, and the moments at which the SMS
worker, each gateway and the archiving of recordings are killed are thrown anew from a seed that is printed, as are the
histories of orders. Stops at the first round that fails; its output says what was lost.

Options: `--rounds N` (10), `--seed N` (1) of the first round.
"""

import argparse
import os
import subprocess
import sys
import time

AWAY_S, CALLS = 30, 200
TESTS = [
    "tests/line",
    "tests/integration/crm/test_crm_invariants.py",
    "tests/integration/crm/test_crm_sms_faults.py",
    "tests/integration/core/test_postgres.py",
    "tests/integration/recordings/test_ingest_kills.py",
    "tests/integration/recordings/test_disposal_kills.py",
]


def main() -> int:
    """Exit code of the first failing round, else 0."""
    options = argparse.ArgumentParser(prog="make soak", description=__doc__)
    options.add_argument("--rounds", type=int, default=10)
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    for seed in range(asked.seed, asked.seed + asked.rounds):
        began = time.monotonic()
        harder = {"HOTLINE_SOAK_AWAY_S": AWAY_S, "HOTLINE_SOAK_CALLS": CALLS, "HOTLINE_SOAK_SEED": seed}
        environment = {**os.environ, **{name: str(value) for name, value in harder.items()}}
        code = subprocess.run([sys.executable, "-m", "pytest", "-q", "-n", "0", *TESTS], env=environment).returncode
        what = "lost" if code else "kept"
        print(f"round with seed {seed}: {what}, {time.monotonic() - began:.0f} s", flush=True)
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
