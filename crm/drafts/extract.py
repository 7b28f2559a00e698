"""From a citizen's words to proposals for every field of the draft. Pure, and quick: a call has a desk waiting."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from crm.drafts import category, matter, what, when, where, who
from crm.drafts.proposal import Proposal
from crm.drafts.said import Said, Utterance
from crm.installed import Installation
from crm.lexicon import lexicon_of

LONGEST_CONTENT = 2_000


def extract(
    utterances: Sequence[Utterance],
    installation: Installation,
    called_on: date,
    *,
    matter_decided: str | None = None,
    area_decided: str | None = None,
) -> dict[str, dict[str, Any]]:
    """Field -> proposal as JSON (`Proposal.as_json`). `*_decided`: what a person chose, for the suggested unit."""
    said = Said(utterances)
    if not said.text:
        return {}
    lexicon = lexicon_of(installation)
    found: dict[str, Proposal | None] = {"category": category.propose(said)}
    found["matter"] = matter.propose(said, lexicon)
    found["address"], found["area"] = where.propose(said, installation.gazetteer, installation.county)
    found["occurred"] = when.propose(said, called_on)
    found["caller_name"] = who.name(said)
    found["caller_phone"] = who.contact(said)
    found["confidential"] = who.secrecy(said)
    address = found["address"]
    place = address if address and address.confidence >= where.SURE else None
    found["title"] = matter.title(said, lexicon, place)
    found["content"] = _content(said)
    found["subject"], found["demand"] = what.subject(said), what.demand(said)
    proposals = {name: proposal.as_json() for name, proposal in found.items() if proposal is not None}
    proposals["units"] = suggest(
        installation,
        matter_decided or (found["matter"].value if found["matter"] else None),
        area_decided or (found["area"].value if found["area"] else None),
    )
    return proposals


def suggest(installation: Installation, matter_code: str | None, area: str | None) -> dict[str, Any]:
    """Lead and assisting unit codes by the catalogue, with names and the reason."""
    route = installation.catalogue.route(matter_code, area)
    names = {code: installation.catalogue.name(code) for code in (route.lead, *route.assist) if code}
    return {
        "value": route.lead or "",
        "label": names.get(route.lead or "", "由热线中心指定"),
        "assist": [{"value": code, "label": names[code]} for code in route.assist],
        "sources": [],
        "confidence": 0.9 if route.lead else 0.0,
        "reason": route.reason,
        "basis": route.basis,
    }


def _content(said: Said) -> Proposal:
    """The citizen's own words, sentence by sentence."""
    text = "。".join(said.parts)[: LONGEST_CONTENT - 1] + "。"
    whole = said.source(0, len(said.parts[0]))
    return Proposal(text, text, (whole,), 0.5, "来电人原话，请话务员整理")
