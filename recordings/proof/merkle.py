"""Merkle trees as in RFC 6962, 2.1: leaves and nodes are hashed with different prefixes, odd nodes are not doubled."""

from collections.abc import Callable, Sequence

Hash = Callable[[bytes], bytes]


def leaf_hash(hash: Hash, data: bytes) -> bytes:
    """Of one entry."""
    return hash(b"\x00" + data)


def root(hash: Hash, leaves: Sequence[bytes]) -> bytes:
    """Of the hashes of the entries; of none the hash of nothing."""
    if not leaves:
        return hash(b"")
    if len(leaves) == 1:
        return leaves[0]
    split = _split(len(leaves))
    return _node(hash, root(hash, leaves[:split]), root(hash, leaves[split:]))


def path(hash: Hash, leaves: Sequence[bytes], place: int) -> list[bytes]:
    """The audit path of the entry at `place`, counted from 0; the deepest neighbour first."""
    if len(leaves) <= 1:
        return []
    split = _split(len(leaves))
    if place < split:
        return [*path(hash, leaves[:split], place), root(hash, leaves[split:])]
    return [*path(hash, leaves[split:], place - split), root(hash, leaves[:split])]


def root_by_path(hash: Hash, leaf: bytes, place: int, count: int, steps: Sequence[bytes]) -> bytes | None:
    """The root that a path leads to; None where it does not have the length that the place in the tree asks for."""
    if not 0 <= place < count:
        return None
    if count == 1:
        return leaf if not steps else None
    if not steps:
        return None
    split = _split(count)
    if place < split:
        below = root_by_path(hash, leaf, place, split, steps[:-1])
        return below and _node(hash, below, steps[-1])
    below = root_by_path(hash, leaf, place - split, count - split, steps[:-1])
    return below and _node(hash, steps[-1], below)


def _node(hash: Hash, left: bytes, right: bytes) -> bytes:
    return hash(b"\x01" + left + right)


def _split(count: int) -> int:
    """The largest power of two smaller than `count`."""
    return 1 << (count - 1).bit_length() - 1
