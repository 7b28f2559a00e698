#!/usr/bin/env python3
"""Checks an exported archive package 档案包 (a folder or a ZIP) with nothing but Python: no part of the product is
needed.

    python3 verify_package.py PACKAGE [--seal SEAL.txt]... [--key PUBLIC-KEY]

PACKAGE   the ZIP as it was downloaded, or the folder that it was unpacked into
--seal    a day's seal, printed or typed in from paper, to check the recordings and attachments of that day against
--key     the public key that must have signed, hexadecimal, as it stands on the bureau's seals on paper

It names everything that does not hold, and exits with 0 when everything does, else with 1. Checked are the digests of
every file (SHA-256, and SM3, GB/T 32905), the signature of every part (Ed25519, RFC 8032), that each addendum names the
part before it, that nothing was dropped or added, and the place of recordings and attachments under their day's seal
(RFC 6962).
"""

import argparse
import hashlib
import json
import os
import stat
import sys
import zipfile

FIRST = "0" * 64
LARGEST_JSON = 16 * 1024 * 1024
BLOCK = 1 << 18
SLOW_SM3 = 4 * 1024 * 1024
"""Bytes up to which SM3 is reckoned where this Python's OpenSSL has none; larger files rest on SHA-256."""
PART = "HOTLINE ARCHIVE PACKAGE 1"
EXPORT = "HOTLINE ARCHIVE EXPORT 1"
SEALS = {
    "HOTLINE ARCHIVE SEAL 1": ("day", "count", "sha256", "sm3", "previous", "public-key", "signature"),
    "HOTLINE ARCHIVE SEAL 2": ("day", "count", "sha256", "sm3", "previous", "ledger", "public-key", "signature"),
}
"""The lines of each form of a day's seal; the second says how far the ledger's chain was."""


class Wrong(Exception):
    """What does not hold."""


# --- Ed25519 (RFC 8032, 5.1), verification only ---
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(a, b):
    """Two points in extended coordinates."""
    k, m = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    n, o = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = m - k, o - n, o + n, m + k
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(n, point):
    """n · point."""
    found = (0, 1, 1, 0)
    while n:
        if n & 1:
            found = add(found, point)
        point, n = add(point, point), n >> 1
    return found


def point_of(data):
    """Decompress (5.1.3); None where it is no point."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * ROOT % P
    if (x * x - x2) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed_by(key, signature, message):
    """Whether the key (32 bytes) made the signature (64 bytes) of the message."""
    if len(key) != 32 or len(signature) != 64:
        return False
    a, r, s = point_of(key), point_of(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    left, right = times(s, BASE), add(r, times(h, a))
    return not (left[0] * right[2] - right[0] * left[2]) % P and not (left[1] * right[2] - right[1] * left[2]) % P


# --- SM3 (GB/T 32905-2016), where OpenSSL has none ---
class PlainSm3:
    """Piece by piece, slowly."""

    def __init__(self, data=b""):
        self.v = [0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600, 0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E]
        self.rest, self.size = b"", 0
        self.update(data)

    def update(self, data):
        """The next piece."""
        self.size += len(data)
        data = self.rest + data
        for at in range(0, len(data) - 63, 64):
            self.block(data[at : at + 64])
        self.rest = data[len(data) // 64 * 64 :]

    def block(self, data):
        """One compression."""

        def left(x, n):
            n %= 32
            return (x << n | x >> 32 - n) & 0xFFFFFFFF

        w = [int.from_bytes(data[i : i + 4], "big") for i in range(0, 64, 4)]
        for j in range(16, 68):
            x = w[j - 16] ^ w[j - 9] ^ left(w[j - 3], 15)
            w.append(x ^ left(x, 15) ^ left(x, 23) ^ left(w[j - 13], 7) ^ w[j - 6])
        a, b, c, d, e, f, g, h = self.v
        for j in range(64):
            t = 0x79CC4519 if j < 16 else 0x7A879D8A
            one = left(left(a, 12) + e + left(t, j) & 0xFFFFFFFF, 7)
            ff = a ^ b ^ c if j < 16 else a & b | a & c | b & c
            gg = e ^ f ^ g if j < 16 else e & f | ~e & g
            two = ff + d + (one ^ left(a, 12)) + (w[j] ^ w[j + 4]) & 0xFFFFFFFF
            other = gg + h + one + w[j] & 0xFFFFFFFF
            a, b, c, d = two, a, left(b, 9), c
            e, f, g, h = other ^ left(other, 9) ^ left(other, 17), e, left(f, 19), g
        self.v = [x ^ y for x, y in zip(self.v, (a, b, c, d, e, f, g, h), strict=True)]

    def hexdigest(self):
        """Of everything."""
        size, padding = self.size, b"\x80" + bytes((55 - self.size) % 64)
        self.update(padding + (size * 8).to_bytes(8, "big"))
        return "".join(f"{x:08x}" for x in self.v)


def new_sm3(size):
    """A digest of a content of this size; None where it would take too long."""
    try:
        return hashlib.new("sm3")
    except ValueError:
        return PlainSm3() if size <= SLOW_SM3 else None


def sm3_of(data):
    """Of a small content, hexadecimal."""
    found = new_sm3(0)
    found.update(data)
    return found.hexdigest()


# --- a package, as a folder or a ZIP; nothing is ever written ---
class Folder:
    """Files below a folder."""

    def __init__(self, root):
        self.root, self.sizes = root, {}
        for at, folders, files in os.walk(root):
            for name in [*folders, *files]:
                path = os.path.join(at, name)
                mode = os.lstat(path).st_mode
                if stat.S_ISLNK(mode) or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                    raise Wrong(f"{os.path.relpath(path, root)}：不是普通文件")
                if stat.S_ISREG(mode):
                    self.sizes[os.path.relpath(path, root).replace(os.sep, "/")] = os.lstat(path).st_size

    def open(self, path):
        return open(os.path.join(self.root, *path.split("/")), "rb")


class Zip:
    """Members of a ZIP."""

    def __init__(self, path):
        try:
            self.zip = zipfile.ZipFile(path)
        except zipfile.BadZipFile:
            raise Wrong("ZIP 文件不完整或已损坏") from None
        names = [one.filename for one in self.zip.infolist()]
        if len(set(names)) != len(names):
            raise Wrong("ZIP 中有重名的文件")
        self.sizes = {one.filename: one.file_size for one in self.zip.infolist() if not one.is_dir()}

    def open(self, path):
        return self.zip.open(path)


class Checker:
    """Collects what does not hold."""

    def __init__(self, package, key, seals):
        self.package, self.key, self.seals = package, key, seals
        self.wrong, self.keys, self.listed = [], set(), set()
        self.files = self.proven = self.on_paper = 0
        self.archived = {"录音": {}, "附件": {}}

    def small(self, path):
        """A file as a whole. Raises Wrong."""
        self.listed.add(path)
        if path not in self.package.sizes:
            raise Wrong(f"{path}：缺失")
        if self.package.sizes[path] > LARGEST_JSON:
            raise Wrong(f"{path}：过大")
        try:
            with self.package.open(path) as file:
                return file.read(LARGEST_JSON + 1)
        except (OSError, zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError):
            raise Wrong(f"{path}：无法读取，已损坏") from None

    def canonical(self, path):
        """Its JSON, and its bytes. Raises Wrong."""
        data = self.small(path)
        try:
            value = json.loads(data.decode())
        except (ValueError, RecursionError):
            raise Wrong(f"{path}：不是 JSON") from None
        if json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() != data:
            raise Wrong(f"{path}：不是规范的 JSON")
        return value, data

    def signature(self, path, head, said):
        """The signed text of `said` and its key. Raises Wrong."""
        try:
            lines = self.small(path).decode().splitlines()
            pairs = dict(line.split(": ", 1) for line in lines[1:])
            key, made = bytes.fromhex(pairs["public-key"]), bytes.fromhex(pairs["signature"])
        except (ValueError, KeyError):
            raise Wrong(f"{path}：不可识别") from None
        whole = [*said, ("public-key", key.hex())]
        text = "\n".join([head, *(f"{name}: {value}" for name, value in whole)]) + "\n"
        if lines != [*text.splitlines(), f"signature: {made.hex()}"]:
            raise Wrong(f"{path.rpartition('.')[0]}.json：与签名不符，内容被改动")
        if not signed_by(key, made, text.encode()):
            raise Wrong(f"{path}：签名不符")
        if self.key and key.hex() != self.key:
            raise Wrong(f"{path}：不是用给定的公钥签署的")
        self.keys.add(key.hex())
        return text

    def file(self, path, said):
        """One file against what is said of it; what is wrong is noted."""
        self.listed.add(path)
        if path not in self.package.sizes:
            self.wrong.append(f"{path}：缺失")
            return
        if self.package.sizes[path] != said["size"]:
            self.wrong.append(f"{path}：应为 {said['size']} 字节，实为 {self.package.sizes[path]} 字节")
            return
        sha256, sm3 = hashlib.sha256(), new_sm3(said["size"])
        try:
            with self.package.open(path) as file:
                while block := file.read(BLOCK):
                    sha256.update(block)
                    if sm3:
                        sm3.update(block)
        except (OSError, zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError):
            self.wrong.append(f"{path}：无法读取，已损坏")
            return
        if sha256.hexdigest() != said["sha256"]:
            self.wrong.append(f"{path}：内容与目录中的 SHA-256 不符")
        elif sm3 and sm3.hexdigest() != said["sm3"]:
            self.wrong.append(f"{path}：内容与目录中的 SM3 不符")
        else:
            self.files += 1

    def part(self, n, export, previous):
        """One part -> the signed text of it, and its manifest. Raises Wrong."""
        at = f"{n:02}"
        manifest, data = self.canonical(f"{at}/manifest.json")
        digests = {"sha256": hashlib.sha256(data).hexdigest(), "sm3": sm3_of(data)}
        said = [("package", manifest["package"]), ("number", manifest["number"]), ("part", str(manifest["part"]))]
        said += [("entries", str(len(manifest["entries"]))), *digests.items(), ("previous", manifest["previous"])]
        text = self.signature(f"{at}/manifest.sig", PART, said)
        if manifest["part"] != n or manifest["package"] != export["package"]:
            raise Wrong(f"{at}/manifest.json：不是这个档案包的第 {n} 卷")
        if manifest["previous"] != previous:
            raise Wrong(f"{at}/manifest.json：与前一卷不相衔接")
        if export["parts"][n] != digests["sha256"]:
            raise Wrong(f"{at}/manifest.json：与导出说明不符")
        return text, manifest

    def proof(self, path, kind, one):
        """The place of a recording or an attachment under its day's seal."""
        try:
            proof = json.loads(self.small(path))
            leaf = json.loads(proof["leaf"])
            seal = read_seal(proof["seal"])
            what = {"recording": "录音", "attachment": "附件"}.get(leaf.get("what", "recording"))
            if (what, leaf["id"], leaf["sha256"], leaf["size"]) != (kind, *one):
                raise Wrong(f"{path}：证明的不是这份{kind}")
            digest = hashlib.sha256(b"\x00" + proof["leaf"].encode()).digest()
            steps = [bytes.fromhex(one) for one in proof["path"]]
            if root_by_path(digest, proof["place"], int(seal["count"]), steps).hex() != seal["sha256"]:
                raise Wrong(f"{path}：{kind}不在 {seal['day']} 的封存中")
            if not signed_by(bytes.fromhex(seal["public-key"]), bytes.fromhex(seal["signature"]), text_of(seal)):
                raise Wrong(f"{path}：封存的签名不符")
        except Wrong as wrong:
            self.wrong.append(str(wrong))
            return
        except (ValueError, KeyError, TypeError):
            self.wrong.append(f"{path}：不可识别")
            return
        self.proven += 1
        self.keys.add(seal["public-key"])
        paper = self.seals.get(seal["day"])
        if paper and paper != seal:
            self.wrong.append(f"{path}：与 {seal['day']} 的纸质封存单不同")
        elif paper:
            self.on_paper += 1

    def all(self):
        """Everything -> the first manifest and the export."""
        export, data = self.canonical("export.json")
        digests = [("sha256", hashlib.sha256(data).hexdigest()), ("sm3", sm3_of(data))]
        said = [("package", export["package"]), ("export", export["export"]["number"]), *digests]
        self.signature("export.sig", EXPORT, said)
        withheld = {one["path"] for one in export["withheld"]}
        first, previous = None, FIRST
        for n in range(len(export["parts"])):
            text, manifest = self.part(n, export, previous)
            first, previous = first or manifest, hashlib.sha256(text.encode()).hexdigest()
            for entry in manifest["entries"]:
                path = f"{n:02}/{entry['path']}"
                folder, _, name = entry["path"].partition("/")
                kind = {"recordings": "录音", "attachments": "附件", "materials": "附件"}.get(folder)
                if kind:
                    id = name.partition(".")[0]
                    self.archived[kind][id] = (id, entry["sha256"], entry["size"])
                if path not in withheld:
                    self.file(path, entry)
        for one in export["beside"]:
            self.file(one["path"], one)
            name = one["path"].removeprefix("proofs/").removesuffix(".json")
            for kind, known in self.archived.items():
                if one["path"].startswith("proofs/") and name in known:
                    self.proof(one["path"], kind, known[name])
        self.wrong += [f"{path}：不在目录中，系加入的文件" for path in sorted(set(self.package.sizes) - self.listed)]
        return first, export


def read_seal(text):
    """The lines of a seal by name; comments before its head are passed over. Raises Wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    head = " ".join(lines[0].split()) if lines else ""
    seal = {name.strip(): "".join(value.split()) for name, value in (line.partition(":")[::2] for line in lines[1:])}
    if head not in SEALS or not set(SEALS[head]) <= set(seal):
        raise Wrong("封存单不完整：第一行应为 " + " 或 ".join(SEALS))
    if "ledger" in SEALS[head]:  # the digest is its last 64 characters
        seal["ledger"] = seal["ledger"][:-64] + " " + seal["ledger"][-64:]
    return seal | {"head": head}


def text_of(seal):
    """What was signed of a seal."""
    names = SEALS[seal["head"]][:-1]
    return ("\n".join([seal["head"], *(f"{name}: {seal[name]}" for name in names)]) + "\n").encode()


def root_by_path(leaf, place, count, path):
    """RFC 6962, 2.1.1, from the leaf up."""
    if not 0 <= place < count or (count == 1) != (not path):
        raise Wrong("证明的路径与位置不符")
    if count == 1:
        return leaf
    split = 1 << (count - 1).bit_length() - 1
    if place < split:
        below = root_by_path(leaf, place, split, path[:-1])
        return hashlib.sha256(b"\x01" + below + path[-1]).digest()
    below = root_by_path(leaf, place - split, count - split, path[:-1])
    return hashlib.sha256(b"\x01" + path[-1] + below).digest()


def main(arguments):
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("package")
    options.add_argument("--seal", action="append", default=[])
    options.add_argument("--key", default="")
    given = options.parse_args(arguments)
    try:
        seals = {}
        for path in given.seal:
            with open(path, encoding="utf-8") as file:
                seal = read_seal(file.read())
            seals[seal["day"]] = seal
        opened = Folder(given.package) if os.path.isdir(given.package) else Zip(given.package)
        checker = Checker(opened, given.key.lower(), seals)
        first, export = checker.all()
    except Wrong as wrong:
        print(f"不符：{wrong}")
        return 1
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        print(f"无法核对：{type(error).__name__} {error}")
        return 1
    for line in checker.wrong:
        print(f"不符：{line}")
    if checker.wrong:
        print(f"共 {len(checker.wrong)} 处不符。")
        return 1
    whole = f"{len(export['parts'])} 卷，{checker.files} 个文件与目录一致，签名和衔接相符。"
    print(f"相符：{first['number']} 的档案包，{whole}")
    proven = f"其中 {checker.proven} 份在所属日期的封存中，{checker.on_paper} 份与纸质封存单一致。"
    counts = "、".join(f"{kind} {len(known)} 份" for kind, known in checker.archived.items() if known or kind == "录音")
    print(f"{counts}，{proven}")
    for one in export["withheld"]:
        why = {"identity": "含个人信息", "sound": "录音", "absent": "导出时没有"}.get(one["why"], one["why"])
        print(f"未随本次导出：{one['path']}（{why}）")
    for one in export["destroyed"]:
        print(f"依法销毁：{one['path']}（{one['said']}）")
    print("签署所用的公钥，请与纸质封存单核对：" + "、".join(sorted(checker.keys)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
