"""An archive of three years in a PostgreSQL: calls, recordings, orders, and the words of the newest fifth.

Texts are told by the county's own data; rows are drawn from them by the server itself. `python -m
tests.bench.archive_rows URL COUNT`
"""

import json
import random
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg

from core import personal
from crm import installed
from crm.installed import Installation
from crm.search import words
from tests.bench.clerk import COUNTY, KEYS
from tests.bench.orders_data import INDEXES, SEED, fast, write_units
from tests.bench.orders_rows import line
from tests.bench.orders_story import GIVEN, SURNAMES, Callers, Teller

WITH_WORDS = 5
"""Each fifth recording, the newest ones, has its words."""
STORIES, NAMES, AGENTS = 4_000, 5_000, 60
ROWS = Path(__file__).with_suffix(".sql")
TABLES = ("calls", "recordings", "tickets", "assignments", "transcript_segments", "recording_words")
COMMON = (
    "你好这里是弋阳一二三四五热线请讲", "请问您怎么称呼", "请您说一下具体地址", "这个情况持续多久了",
    "您之前有没有向社区反映过", "好的我帮您记录一下", "请问您需要回复吗", "我们会转给相关部门处理",
    "处理结果会在规定时间内答复您", "还有其他问题需要反映吗", "感谢您的来电再见", "麻烦你们尽快处理",
    "好的谢谢", "是的没错", "我再说一遍", "电话就打这个号码",
)  # fmt: skip
Connection = psycopg.Connection[tuple[Any, ...]]


def fill(url: str, count: int) -> float:
    """Write `count` recordings into a migrated, empty database -> seconds."""
    began = time.monotonic()
    personal.use_keys(KEYS)
    here = installed.read(COUNTY)
    installed.use(here)
    with psycopg.connect(url, autocommit=True) as connection:
        write_units(connection, here.county)
        fast(connection)
        indexes = connection.execute(INDEXES, [list(TABLES)]).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        _texts(connection, here, count)
        rows = ROWS.read_text(encoding="utf-8").replace(":count", str(count))
        connection.execute(rows.replace(":spoken", str(count // WITH_WORDS)).encode())
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
    return time.monotonic() - began


def _texts(connection: Connection, here: Installation, count: int) -> None:
    """What rows are drawn from: callers, agents, stories, and the lines that are said."""
    dice, teller = random.Random(SEED), Teller(here)
    callers = Callers(max(100, count // 8), dice)
    _copy(connection, "callers", "n int, sealed text", enumerate(callers.sealed))
    connection.execute(
        "CREATE UNLOGGED TABLE b_agents AS SELECT n, gen_random_uuid() AS id FROM generate_series(0, 59) n"
    )
    connection.execute(
        "INSERT INTO users (id, login, name, roles, password_hash, must_change_password, totp_enrolled, failures,"
        " active, created_at) SELECT id, 'agent' || n, '话务' || chr(19968 + n * 97) || chr(20013 + n * 31),"
        " ARRAY['agent'], '-', false, false, 0, true, now()"
        " FROM b_agents"
    )
    units = {str(code): id for code, id in connection.execute("SELECT code, id FROM units").fetchall()}
    told = [teller.tell(dice) for _ in range(STORIES)]
    rows = []
    for n, one in enumerate(told):
        lead = units[here.catalogue.route(one.matter.code, one.place.area).lead or "zwzx"]
        kept = " ".join(words.TITLE + lexeme for lexeme in words.lexemes(f"{one.title}\n{one.matter.name}"))
        rows.append((n, one.title, one.matter.code, one.category, lead, kept))
    _copy(connection, "stories", "n int, title text, matter text, category text, unit uuid, kept text", rows)
    said = [(story, part) for story, one in enumerate(told) for part in one.content.rstrip("。").split("，")]
    names = [dice.choice(SURNAMES) + dice.choice(GIVEN) + dice.choice(GIVEN) for _ in range(NAMES)]
    lines = [(*spoken(n, text), story) for n, (story, text) in enumerate(said)]
    lines += [(*spoken(len(lines) + n, text), -1) for n, text in enumerate(COMMON)]
    lines += [(*spoken(len(lines) + n, f"我叫{name}"), -2 - n) for n, name in enumerate(names)]
    _copy(connection, "lines", "n int, text text, words jsonb, kept text, story int", lines)
    connection.execute("CREATE INDEX ON b_lines (story); ANALYZE b_lines; ANALYZE b_stories; ANALYZE b_callers")


def spoken(n: int, text: str) -> tuple[int, str, str, str]:
    """A line with its words as the engine gives them, and as the index keeps them."""
    timed = [
        {"w": text[at : at + 2], "start": at / 4, "end": at / 4 + 0.5, "conf": 0.93} for at in range(0, len(text), 2)
    ]
    return n, text, json.dumps(timed, ensure_ascii=False), " ".join(sorted(words.lexemes(text)))


def _copy(connection: Connection, name: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    connection.execute(f"CREATE UNLOGGED TABLE b_{name} ({columns})")
    with connection.cursor().copy(f"COPY b_{name} FROM STDIN") as copy:
        for row in rows:
            copy.write(line(*row))


if __name__ == "__main__":
    from hotline.schema import migrate

    migrate(sys.argv[1], sys.argv[1])
    print(f"{fill(sys.argv[1], int(sys.argv[2])):.0f} s")
