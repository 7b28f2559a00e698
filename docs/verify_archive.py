#!/usr/bin/env python3
"""Checks a recording or an attachment against its proof and a seal on paper, with nothing but Python: no part of the
product is needed.

    python3 verify_archive.py FILE PROOF.json SEAL.txt

FILE            the sound as it lies in the archive, .flac or .opus; or the attachment as it was put to its order
PROOF.json      what `hotline archive prove` printed
SEAL.txt        what `hotline archive seal --date` printed, or what was typed in from its paper; spaces do not matter

It says what was checked and exits with 0 when everything holds, else with 1. The Merkle tree is that of RFC 6962 with
SHA-256. The signature (Ed25519) is checked where the package `cryptography` is installed; the paper speaks without it.
"""

import hashlib
import json
import sys

FIELDS = {
    "HOTLINE ARCHIVE SEAL 1": ("day", "count", "sha256", "sm3", "previous", "public-key", "signature"),
    "HOTLINE ARCHIVE SEAL 2": ("day", "count", "sha256", "sm3", "previous", "ledger", "public-key", "signature"),
}


class Wrong(Exception):
    """What does not hold."""


def read_seal(text):
    """The lines of a seal by name; lines before its head and comments are passed over."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    head = " ".join(lines[0].split()) if lines else ""
    if head not in FIELDS:
        raise Wrong("封存单不完整：第一行应为 " + " 或 ".join(FIELDS))
    pairs = (line.partition(":")[::2] for line in lines[1:])
    seal = {name.strip(): "".join(value.split()) for name, value in pairs}
    missing = [name for name in FIELDS[head] if name not in seal]
    if missing:
        raise Wrong("封存单缺少：" + "、".join(missing))
    if "ledger" in FIELDS[head]:  # the digest is its last 64 characters
        seal["ledger"] = seal["ledger"][:-64] + " " + seal["ledger"][-64:]
    return seal | {"head": head}


def text_of(seal):
    """What was signed."""
    head = seal["head"]
    return "\n".join([head, *(f"{name}: {seal[name]}" for name in FIELDS[head][:-1])]) + "\n"


def sha256(data):
    return hashlib.sha256(data).digest()


def root_by_path(leaf, place, count, path):
    """RFC 6962, 2.1.1, from the leaf up."""
    if not 0 <= place < count or (count == 1) != (not path):
        raise Wrong("证明的路径与位置不符")
    if count == 1:
        return leaf
    split = 1 << (count - 1).bit_length() - 1
    if place < split:
        return sha256(b"\x01" + root_by_path(leaf, place, split, path[:-1]) + path[-1])
    return sha256(b"\x01" + path[-1] + root_by_path(leaf, place - split, count - split, path[:-1]))


def called(said):
    """What a leaf is of, and since when there is what it is of; those of recordings name no kind."""
    if said.get("what", "recording") == "recording":
        return "录音", "开始", said["started_at"]
    if said["what"] == "attachment":
        return "附件", "添加", said["added_at"]
    raise Wrong("证明的种类不可识别")


def check_file(path, said, kind):
    """The file is the one of the leaf."""
    digest, size = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while block := file.read(1 << 18):
            digest.update(block)
            size += len(block)
    if size != said["size"] or digest.hexdigest() != said["sha256"]:
        raise Wrong(f"{kind}文件与证明中的 SHA-256 或长度不符")


def check_proof(proof, seal):
    """The leaf stands in the seal's tree."""
    if proof.get("format") != "hotline-archive-proof-1":
        raise Wrong("证明的格式不可识别")
    leaf = sha256(b"\x00" + proof["leaf"].encode())
    found = root_by_path(leaf, proof["place"], int(seal["count"]), [bytes.fromhex(one) for one in proof["path"]])
    if found.hex() != seal["sha256"]:
        raise Wrong("证明与封存单不符：由证明得出的根是 " + found.hex())
    if text_of(read_seal(proof["seal"])) != text_of(seal):
        raise Wrong("证明所附的封存与封存单不同")


def check_signature(seal):
    """True: it holds; None: this Python cannot check it."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return None
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(seal["public-key"]))
        key.verify(bytes.fromhex(seal["signature"]), text_of(seal).encode())
    except (InvalidSignature, ValueError):
        raise Wrong("封存单的签名不符") from None
    return True


def main(arguments):
    if len(arguments) != 3:
        print(__doc__)
        return 2
    file_name, proof_file, seal_file = arguments
    try:
        with open(proof_file, encoding="utf-8") as file:
            proof = json.load(file)
        with open(seal_file, encoding="utf-8") as file:
            seal = read_seal(file.read())
        said = json.loads(proof["leaf"])
        kind, began, at = called(said)
        check_file(file_name, said, kind)
        check_proof(proof, seal)
        signed = check_signature(seal)
    except Wrong as wrong:
        print(f"不符：{wrong}")
        return 1
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"无法核对：{type(error).__name__} {error}")
        return 1
    print(f"相符：{kind} {said['id']}，{began}于 {at}，在 {seal['day']} 的封存中，此后没有改动。")
    print("签名相符。" if signed else "签名未核对（没有安装 cryptography），请与纸质封存单逐字核对。")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
