"""What guessing a stored password costs."""

from importlib.util import find_spec, module_from_spec
from types import ModuleType

import pytest

from core.identity import passwords

PASSWORD, WRONG = "Correct-Horse-9", "Correct-Horse-8"


@pytest.fixture(scope="module")
def in_earnest() -> ModuleType:
    """The module as the product's processes load it: for other tests it hashes at the least cost."""
    spec = find_spec(passwords.__name__)
    assert spec and spec.loader
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


async def test_a_password_is_hashed_at_the_cost_that_rfc_9106_recommends(in_earnest: ModuleType) -> None:
    stored = await in_earnest.hash_password(PASSWORD)
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await in_earnest.verify(stored, PASSWORD)
    assert not await in_earnest.verify(stored, WRONG)


async def test_nobody_costs_as_much_as_somebody(in_earnest: ModuleType) -> None:
    assert in_earnest._NOBODY.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert not await in_earnest.verify(None, PASSWORD)


async def test_what_was_hashed_at_another_cost_is_still_verified(in_earnest: ModuleType) -> None:
    stored = await passwords.hash_password(PASSWORD)
    assert "m=8,t=1,p=1" in stored
    assert await in_earnest.verify(stored, PASSWORD)
    assert not await in_earnest.verify(stored, WRONG)
