"""How well this county's emergencies are recognised: asked the cases of a file, told in a few lines."""

from collections.abc import Iterator
from pathlib import Path

from crm.emergencies.detect import recogniser_of
from crm.emergencies.evaluate import Verdict, read
from crm.emergencies.evaluate import evaluate as ask
from crm.installed import installed
from hotline.runtime import Runtime
from hotline.settings import Settings


def evaluate(settings: Settings, path: Path) -> Verdict:
    """Read the cases with the county's words. Raises Invalid."""
    cases = read(path)
    Runtime(settings).open()
    return ask(recogniser_of(installed()), cases)


def as_text(verdict: Verdict) -> Iterator[str]:
    """The shares, and every case that was told wrongly."""
    found = verdict.emergencies - len(verdict.missed)
    yield (
        f"突发事件 {verdict.emergencies} 例：识别 {found}（{_share(found, verdict.emergencies)}），"
        f"其中种类一致 {found - len(verdict.other_kind)}"
    )
    false = len(verdict.false_alarms)
    yield f"不是突发事件 {verdict.others} 例：误报 {false}（{_share(false, verdict.others)}）"
    for wrong in verdict.missed:
        yield f"漏报：{wrong.case.text}\t应为 {wrong.case.kind}"
    for wrong in verdict.false_alarms:
        yield f"误报：{wrong.case.text}\t识别为 {'、'.join(wrong.found)}"
    for wrong in verdict.other_kind:
        yield f"种类不同：{wrong.case.text}\t应为 {wrong.case.kind}，识别为 {'、'.join(wrong.found)}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "—"
