"""sipp as citizens and as agents' telephones: started with free ports, read back as numbers."""

import audioop
import csv
import math
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from struct import pack

SCENARIOS = Path(__file__).with_name("scenarios")
RTP_CITIZENS, RTP_AGENTS = 61000, 65400
PATIENCE_S = 40


def percentile(values: list[float], share: float) -> float | None:
    """Nearest-rank percentile; None of nothing."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, math.ceil(share * len(ranked)) - 1)] if ranked else None


@dataclass(frozen=True)
class Result:
    """What the citizens met. Milliseconds."""

    calls: int
    succeeded: int
    failed: int
    retransmissions: int
    at_once: int
    answer_ms: list[float]
    """INVITE until 200."""


class Load:
    """`telephones`: extension and secret of each agent, all at one port."""

    def __init__(self, sipp: Path, folder: Path, server: str, telephones: list[tuple[str, str]], agents_port: int):
        self._sipp, self._folder, self._server = sipp, folder, server
        self._port = agents_port
        folder.mkdir(parents=True)
        tone = [int(6000 * math.sin(2 * math.pi * 300 * i / 8000)) for i in range(16000)]
        (folder / "voice.alaw").write_bytes(audioop.lin2alaw(pack(f"<{len(tone)}h", *tone), 2))
        rows = [f"{user};[authentication username={user} password={secret}]" for user, secret in telephones]
        (folder / "agents.csv").write_text("SEQUENTIAL\n" + "\n".join(rows) + "\n")
        self._members = len(rows)

    def _run(self, scenario: str, *options: object) -> subprocess.Popen[bytes]:
        command = [self._sipp, self._server, "-sf", SCENARIOS / f"{scenario}.xml", "-i", "127.0.0.1", "-nostdin", "-aa"]
        with (self._folder / f"{scenario}.out").open("wb") as output:
            return subprocess.Popen(
                [*map(str, command), *map(str, options)],
                cwd=self._folder, stdout=output, stderr=subprocess.STDOUT, env=dict(os.environ, TERM="xterm"),
            )  # fmt: skip

    @contextmanager
    def agents(self, talk_ms: int) -> Iterator[subprocess.Popen[bytes]]:
        """Register every telephone, then answer from the same port until the end."""
        register = self._run("register", "-p", self._port, "-inf", "agents.csv", "-m", self._members, "-r", 100)
        if register.wait(PATIENCE_S) != 0:
            said = (self._folder / "register.out").read_text(errors="replace").splitlines()
            raise RuntimeError("agents' telephones were not registered: " + " / ".join(said[-5:]))
        process = self._run("agent", "-p", self._port, "-d", talk_ms, "-rtp_echo", "-mp", RTP_AGENTS)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(10)

    @contextmanager
    def citizens(
        self, service: str, rate: float, numbers: list[str], scenario: str = "caller"
    ) -> Iterator[subprocess.Popen[bytes]]:
        """One call per number at `rate` a second."""
        for old in self._folder.glob(f"{scenario}_*"):
            old.unlink()
        (self._folder / "stat.csv").unlink(missing_ok=True)
        (self._folder / "numbers.csv").write_text("SEQUENTIAL\n" + "\n".join(numbers) + "\n")
        seconds = int(len(numbers) / rate) + PATIENCE_S
        process = self._run(
            scenario, "-s", service, "-inf", "numbers.csv", "-m", len(numbers), "-r", rate, "-l", 20000,
            "-min_rtp_port", RTP_CITIZENS, "-max_rtp_port", RTP_AGENTS - 2, "-trace_stat", "-stf", "stat.csv",
            "-fd", 1, "-trace_rtt", "-rtt_freq", 100, "-trace_err", "-timeout", f"{seconds}s",
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(10)

    def result(self) -> Result:
        """Of the citizens' last run."""
        with (self._folder / "stat.csv").open() as file:
            rows = list(csv.DictReader(file, delimiter=";"))
        last = rows[-1]
        answers = []
        for path in self._folder.glob("caller_*_rtt.csv"):
            for line in path.read_text().splitlines():
                words = line.split(";")
                if len(words) >= 3 and words[2].strip() == "1":
                    answers.append(float(words[1]))
        return Result(
            calls=int(last["TotalCallCreated"]),
            succeeded=int(last["SuccessfulCall(C)"]),
            failed=int(last["FailedCall(C)"]),
            retransmissions=int(last["Retransmissions(C)"]),
            at_once=max(int(row["CurrentCall"]) for row in rows),
            answer_ms=answers,
        )
