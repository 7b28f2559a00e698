"""The index page of an exported package: what lies in it, what happened, what was said; read in any browser, printed on
A4, without a script and without a network. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2

from callflow.spoken.rules import Outcome
from core import clock, phone
from crm.county.categories import LABELS as CATEGORIES
from crm.dossiers.manifest import Entry, Manifest, folder, newest
from crm.sms.rules import SmsState
from crm.tickets.states import State

LEGEND = {
    "identity": "含个人信息，未随本次导出",
    "sound": "录音未随本次导出",
    "destroyed": "依法销毁",
    "absent": "本系统没有此件",
}
"""Why an entry is not there, as `Export.withheld` names it."""
KINDS = {"data": "数据", "identity": "个人信息", "transcripts": "通话文字", "recordings": "录音", "attachments": "附件",
         "materials": "材料"}  # fmt: skip
SIDES = {"citizen": "诉求人", "other": "接听人"}
SPOKEN = {one.value: one.label for one in Outcome}
SMS = {one.value: one.label for one in SmsState}


ORDER = (
    "data/order.json", "data/history.json", "data/rounds.json", "data/replies.json", "data/returns.json",
    "data/follow-ups.json", "data/supervision.json", "data/emergency.json", "data/city.json", "data/story.json",
    "data/materials.json", "materials/", "data/files.json", "attachments/", "data/calls.json", "data/recordings.json",
    "recordings/", "transcripts/", "data/messages.json", "identity/", "data/",
)  # fmt: skip
"""In which the catalogue lists them: the matter first, what proves it last."""


@dataclass(frozen=True)
class Item:
    """One line of the catalogue 卷内目录."""

    part: int
    n: int
    title: str
    kind: str
    size: int
    sha256: str
    sm3: str
    href: str
    missing: str
    superseded: bool


def missing(path: str, withheld: Mapping[str, str], destroyed: Mapping[str, str]) -> str:
    """Why an entry is not there, in Chinese; empty where it is."""
    return destroyed.get(path) or LEGEND.get(withheld.get(path, ""), withheld.get(path, ""))


def catalogue(parts: Sequence[Manifest], withheld: Mapping[str, str], destroyed: Mapping[str, str]) -> list[Item]:
    """All entries of all parts; one that a later part tells anew is marked."""
    last, items = newest(parts), list[Item]()
    for part in sorted(parts, key=lambda one: one.part):
        for one in sorted(part.entries, key=_rank):
            path = f"{folder(part.part)}/{one.path}"
            items.append(
                Item(
                    part.part, len(items) + 1, one.title, KINDS.get(one.path.split("/")[0], "其他"), one.size,
                    one.sha256, one.sm3, path, missing(path, withheld, destroyed), last[one.path][0] != part.part,
                )
            )  # fmt: skip
    return items


def _rank(entry: Entry) -> tuple[int, str]:
    places = (n for n, beginning in enumerate(ORDER) if entry.path.startswith(beginning))
    return next(places, len(ORDER)), entry.path


def page(
    parts: Sequence[Manifest],
    documents: Mapping[str, bytes],
    withheld: Mapping[str, str],
    export: Mapping[str, Any],
    destroyed: Mapping[str, str],
) -> str:
    """The page. `documents`: path within a part -> the newest bytes, of those that are there; what stands in full under
    `identity/` is shown instead of its masked form."""

    def document(name: str) -> Any:
        data = documents.get(f"identity/{name}.json") or documents.get(f"data/{name}.json")
        return json.loads(data) if data else {}

    def gone(part: int, path: str) -> str:
        return missing(f"{folder(part)}/{path}", withheld, destroyed)

    order, present = document("order").get("order", {}), newest(parts)
    by_call: dict[str, list[dict[str, Any]]] = {}
    for path, (part, entry) in present.items():
        if path.startswith("recordings/"):
            href = f"{folder(part)}/{path}"
            said = {"href": href, "title": entry.title, "missing": gone(part, path)}
            by_call.setdefault(entry.about.get("call", ""), []).append(said | {"seconds": entry.about.get("seconds")})
    voices = {one["call_id"]: one for one in document("calls").get("belonging", [])}
    return _template().render(
        first=parts[0],
        parts=parts,
        order=order,
        category={one.value: label for one, label in CATEGORIES.items()}.get(order.get("category", ""), "—"),
        state=_state(order.get("state", "")),
        links=document("order").get("links", []),
        items=catalogue(parts, withheld, destroyed),
        history=document("history").get("ticket_events", []),
        sections=document("story").get("sections", []),
        messages=document("messages").get("sms", []),
        replies=document("messages").get("sms_replies", []),
        calls=[
            {
                "call": call,
                "who": voices.get(call["id"], {}),
                "sounds": by_call.pop(call["id"], []),
                "words": _words(documents, call["id"]),
                "hidden": _hidden(withheld, call["id"]),
            }
            for call in document("calls").get("calls", [])
        ],
        spoken=_spoken(document("emergency"), document("names").get("units", {})),
        spoken_words=SPOKEN,
        audit=document("audit").get("ledger", []),
        files=[
            {
                "href": f"{folder(part)}/{path}",
                "entry": one,
                "missing": gone(part, path),
            }
            for path, (part, one) in present.items()
            if path.startswith(("attachments/", "materials/"))
        ],
        export=export,
        legend=LEGEND,
        sides=SIDES,
        sms=SMS,
    )


def _words(documents: Mapping[str, bytes], call_id: str) -> list[dict[str, Any]]:
    data = documents.get(f"identity/transcript-{call_id}.json") or documents.get(f"transcripts/{call_id}.json")
    lines = json.loads(data)["segments"] if data else []
    in_force = [one for one in lines if one.get("replaced_by") is None and one.get("under") is None]
    return [one | {"text": one["text"] if one.get("corrected") is None else one["corrected"]} for one in in_force]


def _spoken(emergency: Mapping[str, Any], units: Mapping[str, str]) -> list[dict[str, Any]]:
    """Each call to a unit's contact, with the unit, the contact and the words that it said."""
    alarms = {one["id"]: units.get(one["unit_id"], "") for one in emergency.get("alarms", [])}
    rungs = {one["id"]: one for one in emergency.get("alarm_rungs", [])}
    calls = [one | {"rung": rungs.get(one["subject_id"], {})} for one in emergency.get("spoken_calls", [])]
    return [one | {"unit": alarms.get(one["rung"].get("alarm_id"), "")} for one in calls]


def _hidden(withheld: Mapping[str, str], call_id: str) -> bool:
    """Whether there are words, and the export holds none of them."""
    return any(path.endswith(f"/identity/transcript-{call_id}.json") for path in withheld)


def _state(code: str) -> str:
    return State(code).label if code in set(State) else code


def _when(text: str | None) -> str:
    """`2026年3月2日 10:00`, of an instant as a document has it."""
    if not text:
        return "—"
    there = clock.local(datetime.fromisoformat(text))
    return f"{there.year}年{there.month}月{there.day}日 {there:%H:%M}"


def _phone(number: str | None) -> str:
    return phone.show(number) if number else "—"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02}:{rest:02}"


def _size(bytes: int) -> str:
    if bytes < 1024:
        return f"{bytes} B"
    return f"{bytes / 1024:.0f} KB" if bytes < 1024 * 1024 else f"{bytes / 1024 / 1024:.1f} MB"


def _template() -> jinja2.Template:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.ChainableUndefined,  # an act that changed no state tells of none
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"when": _when, "clock": _clock, "bytes": _size, "state": _state, "phone": _phone}
    return made.get_template("page.html")
