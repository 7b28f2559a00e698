"""`make bench-line`: one flow in three forms on one Asterisk, and what a call costs and waits in each.

The flow: notice, recording, queue, an agent answers, talks and hangs up. Pure dialplan; ours (the dialplan asks the
line role, facts become records, recordings are archived); classic AGI with pyst2, a process per call. The arms take
turns at every rate, so that they meet the same machine.
"""

import argparse
import asyncio
import json
import os
import platform
import signal
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path

from core.clock import local, now
from hotline.softphone import free_port
from tests.bench.line_cpu import Parts
from tests.bench.line_instance import CLASSIC, OURS, PURE, Instance
from tests.bench.line_load import Load, percentile
from tests.bench.line_probe import Probed, Prober
from tests.bench.machine import speed

ARMS = {"pure": PURE, "ours": OURS, "classic": CLASSIC}
BAR_RATE, BAR_S, BAR_S_QUICK = 20, 60, 10
LADDER: tuple[int, ...] = (30, 40, 50, 60, 80, 100, 120, 150, 180)
LADDER_QUICK: tuple[int, ...] = (30, 50)
LADDER_S = 10
PROBE_EVERY_S = 0.5
TALK_MS = 1500
COMMAND_BAR_MS, SOUND_BAR_MS, CPU_BAR_MS, RATIO_AIM = 5.0, 300.0, 10.0, 0.9
_numbers = count(13_000_000_000)


@dataclass
class Step:
    """One arm at one rate. CPU in milliseconds per call, by party; machine: cores busy on average."""

    arm: str
    rate: float
    calls: int
    failed: int
    retransmissions: int
    at_once: int
    answer_p50_ms: float | None
    answer_p99_ms: float | None
    sound_p50_ms: float | None
    sound_p99_ms: float | None
    sounds: int
    command_p50_ms: float | None
    command_p99_ms: float | None
    cpu_ms: dict[str, float]
    after_cpu_ms: dict[str, float]
    cores_busy: float
    cores_others: float
    trouble: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Whether every call went the whole way."""
        return not self.trouble

    @property
    def added_ms(self) -> float:
        """Python and PostgreSQL, until all work that the calls caused was done."""
        return sum(
            part.get(name, 0.0)
            for part in (self.cpu_ms, self.after_cpu_ms)
            for name in ("line", "worker", "postgres", "agi_processes")
        )


class Bench:
    """Runs steps on one instance."""

    def __init__(self, instance: Instance, load: Load) -> None:
        self._instance, self._load = instance, load
        self._agents_pid = 0

    async def step(self, arm: str, rate: float, seconds: float) -> Step:
        """One arm, alone on the machine as far as that is ours to say."""
        with self._load.agents(TALK_MS) as agents:
            self._agents_pid = agents.pid
            if arm == "ours":
                await self._instance.start_roles()
            try:
                return await self._measure(arm, rate, seconds)
            finally:
                await self._instance.stop_roles()
                self._instance.empty_spool()
                await self._instance.calm()

    async def _measure(self, arm: str, rate: float, seconds: float) -> Step:
        one = self._instance
        self._instance.classic_times.unlink(missing_ok=True)
        numbers = [str(next(_numbers)) for _ in range(int(rate * seconds))]
        pids = {name: process.pid for name, process in one.roles.items()}
        asterisk, postgres = one.ground.node.pid, one.runtime.postgres.pid() if one.runtime.postgres else None
        assert asterisk and postgres
        began_at, metrics = now(), one.metrics()
        with self._load.citizens(ARMS[arm], rate, numbers) as citizens:
            load = {"sipp": citizens.pid, "sipp_agents": self._agents_pid, "bench": os.getpid()}
            parts = Parts(asterisk, postgres, pids, load)
            before, began = parts.now(), time.monotonic()
            probes = asyncio.create_task(self._probe(ARMS[arm], seconds))
            last = before
            while citizens.poll() is None:
                last = parts.now()  # sipp's own time is gone once it has ended
                await asyncio.sleep(0.2)
            probed = await probes
        wall = time.monotonic() - began
        after = parts.now() | {"sipp": last["sipp"]}
        left = await one.unsettled() if arm == "ours" else ""
        finally_ = parts.now()
        result = self._load.result()
        made = result.calls + len(probed)
        used = {name: after[name] - before[name] for name in before}
        ours = [name for name in used if name != "machine"]
        later = {name: (finally_[name] - after[name]) * 1000 / made for name in ("postgres", *pids)} if pids else {}
        step = Step(
            arm=arm, rate=rate, calls=made,
            failed=result.failed + sum(1 for call in probed if call.sound_ms is None),
            retransmissions=result.retransmissions, at_once=result.at_once,
            answer_p50_ms=percentile(result.answer_ms, 0.5), answer_p99_ms=percentile(result.answer_ms, 0.99),
            sound_p50_ms=percentile(sounds := [c.sound_ms for c in probed if c.sound_ms is not None], 0.5),
            sound_p99_ms=percentile(sounds, 0.99), sounds=len(sounds),
            command_p50_ms=None, command_p99_ms=None,
            cpu_ms={name: used[name] * 1000 / made for name in ours}, after_cpu_ms=later,
            cores_busy=used["machine"] / wall, cores_others=(used["machine"] - sum(used[n] for n in ours)) / wall,
        )  # fmt: skip
        mute = sum(1 for call in probed if call.sound_ms is None and call.answered_ms is not None)
        if mute:
            step.trouble.append(f"{mute} timed calls were answered and heard nothing")
        self._judge(step, result.succeeded, len(numbers), began_at, metrics, left)
        return step

    async def _probe(self, service: str, seconds: float) -> list[Probed]:
        prober = await Prober.opened((self._instance.line.bind, self._instance.line.sip_port))
        calls = []
        for _ in range(max(1, int(seconds / PROBE_EVERY_S))):
            calls.append(asyncio.create_task(prober.call(str(next(_numbers)), service)))
            await asyncio.sleep(PROBE_EVERY_S)
        probed = await asyncio.gather(*calls)
        prober.close()
        return probed

    def _judge(
        self, step: Step, succeeded: int, asked: int, began_at: datetime, metrics: dict[tuple[str, str], float],
        left: str,
    ) -> None:  # fmt: skip
        if step.failed or succeeded != asked:
            step.trouble.append(f"{step.failed} failed, {succeeded} of sipp's {asked} went the whole way")
        if step.arm == "ours":
            grown = {key: value - metrics.get(key, 0.0) for key, value in self._instance.metrics().items()}
            buckets = {
                float(label): value
                for (name, label), value in grown.items()
                if name == "hotline_agi_command_seconds_bucket"
            }
            step.command_p50_ms, step.command_p99_ms = quantile(buckets, 0.5), quantile(buckets, 0.99)
            flows = grown.get(("hotline_agi_flows_total", "done"), 0.0)
            if flows < step.calls:
                step.trouble.append(f"{step.calls - flows:.0f} calls went on without Python's answer")
            answered = self._instance.sql(
                "SELECT count(*) FROM calls WHERE arrived_at >= %s AND outcome = 'answered'", began_at
            )[0][0]
            if answered != step.calls:
                step.trouble.append(f"{answered} of {step.calls} calls are recorded as answered")
            if left:
                step.trouble.append(f"not through in time: {left}")
        if step.arm == "classic" and self._instance.classic_times.exists():
            times = [float(word) for word in self._instance.classic_times.read_text().split()]
            step.command_p50_ms, step.command_p99_ms = percentile(times, 0.5), percentile(times, 0.99)


def quantile(buckets: dict[float, float], share: float) -> float | None:
    """Of a cumulative histogram in seconds, in milliseconds, interpolated within its bucket as Prometheus does."""
    ranked = sorted(buckets.items())
    total = ranked[-1][1] if ranked else 0
    if not total:
        return None
    low, below = 0.0, 0.0
    for high, upto in ranked:
        if upto >= share * total:
            if high == float("inf"):
                return low * 1000
            return (low + (high - low) * (share * total - below) / ((upto - below) or 1)) * 1000
        low, below = high, upto
    return None


def shown(value: float | None) -> str:
    """A number of the table."""
    return "–" if value is None else f"{value:.1f}"


def row(step: Step) -> str:
    """One line of the table."""
    cpu = step.cpu_ms
    later = step.after_cpu_ms
    python = [f"{shown(cpu.get(n, 0) + later.get(n, 0))}" for n in ("line", "worker", "postgres", "agi_processes")]
    return (
        f"{step.arm:8}{step.rate:5.0f}/s {'held' if step.held else 'FAIL'} calls {step.calls:5} failed {step.failed:4} "
        f"| INVITE→200 {shown(step.answer_p50_ms)}/{shown(step.answer_p99_ms)} "
        f"→sound {shown(step.sound_p50_ms)}/{shown(step.sound_p99_ms)} "
        f"command {shown(step.command_p50_ms)}/{shown(step.command_p99_ms)} ms "
        f"| CPU ms/call asterisk {cpu['asterisk']:.1f} line/worker/postgres/agi {'/'.join(python)} "
        f"| cores {step.cores_busy:.2f} (others {step.cores_others:.2f})"
        + "".join(f"\n         {trouble}" for trouble in step.trouble)
    )


async def run(options: argparse.Namespace) -> dict[str, object]:
    """All steps; what goes into the JSON file."""
    with tempfile.TemporaryDirectory(prefix="hl-bench-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        instance = Instance(Path(folder) / "home", options.wrap_up, options.agents)
        try:
            await instance.start()
            sipp = instance.ground.node.install.sipp
            if sipp is None:
                raise SystemExit("sipp is missing: `hotline setup --tests` installs it")
            server = f"{instance.line.bind}:{instance.line.sip_port}"
            load = Load(sipp, Path(folder) / "load", server, await instance.telephones(), free_port())
            bench = Bench(instance, load)
            steps: list[Step] = []
            arms = [arm for arm in ARMS if arm in options.arms.split(",")]
            for arm in arms:
                steps.append(await bench.step(arm, BAR_RATE, BAR_S_QUICK if options.quick else BAR_S))
                print(row(steps[-1]), flush=True)
            reached = {"pure": 0.0, "ours": 0.0, "classic": 0.0} | {s.arm: s.rate for s in steps if s.held}
            ladder = LADDER_QUICK if options.quick else LADDER
            if options.rates:
                ladder = tuple(int(rate) for rate in options.rates.split(","))
            climbing = set(arms) - {s.arm for s in steps if not s.held}
            for rate in ladder:
                for arm in [name for name in ARMS if name in climbing]:
                    try:
                        steps.append(await bench.step(arm, rate, LADDER_S))
                    except (
                        RuntimeError,
                        TimeoutError,
                        subprocess.TimeoutExpired,
                    ) as error:  # the machine, not the arm: what is known is kept
                        print(f"{arm:8}{rate:5.0f}/s not measured: {error}", flush=True)
                        climbing.discard(arm)
                        continue
                    print(row(steps[-1]), flush=True)
                    if steps[-1].held:
                        reached[arm] = rate
                    else:
                        climbing.discard(arm)
        finally:
            await instance.stop()
    return summary(steps, reached, options)


def summary(steps: list[Step], reached: dict[str, float], options: argparse.Namespace) -> dict[str, object]:
    """Bars and figures."""
    ours = next(step for step in steps if step.arm == "ours")
    climbed = {step.arm for step in steps if step.rate > BAR_RATE}
    ratio = reached["ours"] / reached["pure"] if {"ours", "pure"} <= climbed and reached["pure"] else 0.0
    bars = {
        "no failed call": (ours.failed, ours.held),
        "AGI command p99 ms": (ours.command_p99_ms, (ours.command_p99_ms or 1e9) < COMMAND_BAR_MS),
        "INVITE to first sound p99 ms": (ours.sound_p99_ms, (ours.sound_p99_ms or 1e9) <= SOUND_BAR_MS),
        "added CPU ms per call": (ours.added_ms, ours.added_ms <= CPU_BAR_MS),
        "ladder, ours / pure": (ratio, ratio >= RATIO_AIM),
    }
    print(f"\nat {BAR_RATE} calls/s:")
    for name, (value, met) in bars.items():
        print(f"  {'met   ' if met else 'MISSED'} {name}: {shown(value) if name[:6] != 'ladder' else f'{ratio:.2f}'}")
    print("  last rate held: " + ", ".join(f"{arm} {rate:.0f}/s" for arm, rate in reached.items()))
    return {
        "at": local(now()).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load_average": os.getloadavg(),
        "agents": options.agents, "wrap_up_s": options.wrap_up, "talk_ms": TALK_MS,
        "bars": {name: {"value": value, "met": met} for name, (value, met) in bars.items()},
        "reached": reached,
        "steps": [asdict(step) | {"held": step.held, "added_cpu_ms": step.added_ms} for step in steps],
    }  # fmt: skip


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="10 s at 20 calls/s, a short ladder")
    parser.add_argument("--rates", help="rates of the ladder, such as 30,40,60")
    parser.add_argument("--arms", default=",".join(ARMS), help="which arms take part; ours always should")
    parser.add_argument("--agents", type=int, default=150, help="agents' telephones in the queue")
    parser.add_argument("--wrap-up", type=int, default=0, help="seconds of wrap-up after each talk")
    options = parser.parse_args()
    print(speed(), flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is stopped, whoever ends us
    found = asyncio.run(run(options))
    folder = Path("var/bench")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"line-{local(now()):%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    print(f"\n{path}")


if __name__ == "__main__":
    main()
