"""Merkle trees against the vectors of the Certificate Transparency project, and as properties."""

from hypothesis import given
from hypothesis import strategies as st

from recordings.proof.merkle import leaf_hash, path, root, root_by_path
from recordings.store.digests import sha256, sm3

ENTRIES = (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)  # fmt: skip
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
LEAVES = [leaf_hash(sha256, bytes.fromhex(entry)) for entry in ENTRIES]


def test_roots_are_those_of_rfc_6962() -> None:
    assert root(sha256, []).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert [root(sha256, LEAVES[:count]).hex() for count in range(1, 9)] == list(ROOTS)


def test_sm3_is_that_of_its_standard() -> None:
    assert sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


@given(st.integers(1, 70), st.data())
def test_every_place_is_proven_and_no_other(count: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(sha256, bytes([n])) for n in range(count)]
    place = data.draw(st.integers(0, count - 1))
    top, steps = root(sha256, leaves), path(sha256, leaves, place)
    assert root_by_path(sha256, leaves[place], place, count, steps) == top
    other = data.draw(st.integers(0, count))
    if other != place:
        assert root_by_path(sha256, leaves[place], other, count, steps) != top
    assert root_by_path(sha256, leaf_hash(sha256, b"another"), place, count, steps) != top
    assert root_by_path(sha256, leaves[place], place, count, [*steps, top]) is None
    if steps:
        assert root_by_path(sha256, leaves[place], place, count, steps[:-1]) != top
