"""How well the knowledge base is found: asked the questions of a file, told in a few lines."""

from collections.abc import Iterator
from pathlib import Path

from core.clock import today
from crm.installed import installed
from crm.knowledge.evaluate import Verdict, read
from crm.knowledge.evaluate import evaluate as ask
from crm.knowledge.finder import finder_of
from crm.knowledge.seed import engine_of_county
from hotline.runtime import Runtime
from hotline.settings import Settings


async def evaluate(settings: Settings, path: Path, *, from_county: bool) -> Verdict:
    """Ask this instance's items, or those of the county's own file. Raises Invalid, Unavailable."""
    questions = read(path)
    runtime = Runtime(settings).open()
    if from_county:
        return ask(engine_of_county(installed()), questions, today())
    async with runtime.db.session() as session:
        return ask(await finder_of(runtime.db).current(session), questions, today())


def as_text(verdict: Verdict) -> Iterator[str]:
    """The shares, and what was missed."""
    whole = verdict.count
    first, three = (f"{count}（{count / whole:.1%}）" for count in (verdict.first, verdict.among_three))
    yield f"问题 {whole} 个；排第一 {first}；前三 {three}"
    for miss in verdict.misses:
        yield f"未进前三：{miss.question}\t应为 {miss.item}\t查到 {'、'.join(miss.found) or '无'}"
