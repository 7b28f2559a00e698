"""The inbound decision as classic AGI with pyst2: Asterisk starts one process a call, as many hotlines still do."""

import os
import sys
import time

from asterisk.agi import AGI


def main() -> None:
    """The same four commands as our flow sends; their times go to the file named first."""
    agi = AGI()
    times = []

    def timed(command: str) -> None:
        began = time.monotonic()
        agi.execute(command)
        times.append(time.monotonic() - began)

    timed("GET VARIABLE EXTEN")
    timed("SET VARIABLE HOTLINE_QUEUE hotline")
    timed("SET VARIABLE HOTLINE_ROUTE first")
    timed("SET VARIABLE HOTLINE_DONE inbound")
    line = " ".join(f"{seconds * 1000:.3f}" for seconds in times) + "\n"
    descriptor = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, line.encode())
    os.close(descriptor)


main()
