"""Secrets that follow one another: numbered in the order of their making, none ever replaced."""

from pathlib import Path

from core.secrets import Secrets


def test_each_new_one_is_the_last_and_the_old_ones_stay(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "secrets")
    assert secrets.numbered("key") == []
    made = [secrets.make_next("key") for _ in range(11)]
    assert made == secrets.numbered("key") == [f"key-{n}" for n in range(1, 12)]
    assert len({secrets.get(name) for name in made}) == 11


def test_other_files_are_not_taken_for_them(tmp_path: Path) -> None:
    for name in ("key-1", "key-two", "key-1.bak", ".key-3.0a", "keys-4", "other-key-5"):
        (tmp_path / name).write_text("x")
    assert Secrets(tmp_path).numbered("key") == ["key-1"]
    assert Secrets(tmp_path).make_next("key") == "key-2"
