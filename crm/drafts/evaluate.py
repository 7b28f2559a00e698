"""`python -m crm.drafts.evaluate FOLDER`: how often the matter's group is right on labelled messages.

FOLDER holds `labelled.csv` (columns subject, text, category). Nothing of it is stored. Our groups are matched to
the labels by name; GROUPS holds the pairs whose names differ.
"""

import csv
import sys
from collections import Counter, defaultdict
from pathlib import Path

from crm.drafts.matter import score, total
from crm.installed import Installation, read
from crm.lexicon import lexicon_of

GROUPS = {
    "卫生健康": "卫生计生",
    "公共安全": "交通运输",
    "自然资源": "城乡建设",
    "公用事业": "城乡建设",
}


def label_of(text: str, installation: Installation) -> str | None:
    """The label whose matters together are spoken for most."""
    per_label: defaultdict[str, float] = defaultdict(float)
    for matter, hits in score(text, lexicon_of(installation)).items():
        label = GROUPS.get(matter.group, matter.group)
        per_label[label] += total(hits)
    return max(per_label, key=lambda label: per_label[label]) if per_label else None


def main(folder: Path, county: Path) -> None:
    """Print accuracy, macro F1 and the commonest confusions."""
    installation = read(county)
    with (folder / "labelled.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    pairs = [(row["category"], label_of(row["subject"] + "，" + row["text"], installation)) for row in rows]
    right = sum(want == got for want, got in pairs)
    print(f"messages {len(pairs)}  accuracy {right / len(pairs):.3f}  macro F1 {_macro_f1(pairs):.3f}")  # noqa: T201
    for (want, got), count in Counter(pair for pair in pairs if pair[0] != pair[1]).most_common(12):
        print(f"{count:4d}  {want} -> {got}")  # noqa: T201


def _macro_f1(pairs: list[tuple[str, str | None]]) -> float:
    labels = {want for want, _ in pairs}
    scores = []
    for label in labels:
        hit = sum(want == got == label for want, got in pairs)
        said, meant = sum(got == label for _, got in pairs), sum(want == label for want, _ in pairs)
        scores.append(2 * hit / (said + meant) if said + meant else 0.0)
    return sum(scores) / len(scores)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path("counties/yiyang"))
