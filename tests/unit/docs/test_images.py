"""The images get every part of the program, and the compose file sets only settings that exist."""

import re
import tomllib

from doc_pages import ROOT

from hotline.settings import Settings

DOCKER = ROOT / "docker"


def test_every_package_and_its_data_reach_the_builder() -> None:
    sent = set(re.findall(r"^!(\S+)$", (DOCKER / "Dockerfile.dockerignore").read_text(encoding="utf-8"), re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {*project["tool"]["importlinter"]["root_packages"], "asterisk_conf", "counties", "requirements.txt"}
    assert needed <= sent


def test_what_the_images_copy_exists() -> None:
    for file in ("Dockerfile", "asterisk.Dockerfile"):
        copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DOCKER / file).read_text(encoding="utf-8"), re.MULTILINE)
        assert copied
        assert [name for line in copied for name in line.split() if not (ROOT / name).exists()] == []


def test_the_compose_file_sets_settings_that_exist() -> None:
    text = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
    values = dict(re.findall(r"^ +(HOTLINE_\w+__\w+): (?:\$\{\w+:-)?([^}\n]+)\}?$", text, re.MULTILINE))
    assert len(values) == 3
    given: dict[str, dict[str, str]] = {}
    for name, value in values.items():
        section, _, key = name.removeprefix("HOTLINE_").lower().partition("__")
        given.setdefault(section, {})[key] = value
    assert Settings.model_validate(given).line.asterisk == "beside"


def test_nothing_of_one_site_stands_in_the_files() -> None:
    for path in DOCKER.iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"https?://|extra-index|find-links|\.crt\b", text), path.name
