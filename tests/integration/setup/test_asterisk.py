"""The Asterisk that the set-up finds or builds runs here and carries what the product loads."""

import subprocess

from hotline.setup import asterisk


def test_the_installation_runs_and_carries_every_module() -> None:
    install = asterisk.ensure()
    said = subprocess.run([install.binary, "-V"], capture_output=True, text=True, check=True).stdout
    assert said.startswith(f"Asterisk {install.version}")
    assert asterisk.missing_modules(install, asterisk.required_modules()) == []
    assert (install.data_dir / "documentation").is_dir()


def test_a_second_look_finds_the_same_without_the_network() -> None:
    install = asterisk.ensure()
    assert asterisk.find() == install
