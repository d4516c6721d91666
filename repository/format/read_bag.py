#!/usr/bin/env python3
"""Read Lantai's bags without Lantai: python3 read_bag.py [BAG.zip or STORE FOLDER] ... [--extract FOLDER]

Checks every file of every manifest of each bag (storage format 1, see STORAGE-FORMAT-1.md). Without a path it checks
all bags below the folder it lies in. Exit code: 0 all intact, 1 a fault, 2 something could not be checked or read.
Needs Python 3.8 or later and nothing else.
"""
import hashlib, os, re, sys, zipfile, zlib

def hasher(algorithm):
    if algorithm in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sm3"):
        try:
            return hashlib.new(algorithm)
        except ValueError:
            pass
    return None  # this Python cannot compute it (sm3 needs OpenSSL with SM3)

def decode(path):
    return re.sub("%(0[AaDd]|25)", lambda m: chr(int(m.group(1), 16)), path)

def entries(archive, top, name):
    for line in archive.read(top + name).decode("utf-8").split("\n"):
        if line.strip():
            digest, path = line.rstrip("\r").split(None, 1)
            yield decode(path), digest.lower()

def check(path, extract):
    faults, unchecked = [], []
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if not n.endswith("/")]
        tops = {n.split("/")[0] + "/" for n in names}
        if len(tops) != 1 or len(set(names)) != len(names):
            return ["not exactly one top folder, or a name twice"], []
        top = tops.pop()
        present = {n[len(top):] for n in names}
        if "bagit.txt" not in present:
            faults.append("bagit.txt is missing")
        wanted, payload_lists = {}, []
        for name in sorted(present):
            match = re.fullmatch(r"(tag)?manifest-([a-z0-9]+)\.txt", name)
            if match:
                listed = dict(entries(archive, top, name))
                for member, digest in listed.items():
                    wanted.setdefault(member, []).append((match.group(2), digest, name))
                if hasher(match.group(2)) is None:
                    unchecked.append(name)
                if not match.group(1):
                    payload_lists.append((name, set(listed)))
        payload = {n for n in present if n.startswith("data/")}
        if not payload_lists:
            faults.append("no payload manifest")
        for name, listed in payload_lists:
            faults += ["not listed in %s: %s" % (name, n) for n in sorted(payload - listed)]
        for member in sorted(set(wanted) - present):
            faults.append("missing: " + member)
        for member in sorted(present):
            target = extract and os.path.join(extract, *(top + member).split("/"))
            if target and (".." in member.split("/") or "\\" in member or ":" in top + member or ".." in top):
                return ["unsafe name: " + member], unchecked
            hashes = {a: hasher(a) for a, _, _ in wanted.get(member, []) if hasher(a)}
            if target:
                os.makedirs(os.path.dirname(target), exist_ok=True)
            try:
                with archive.open(top + member) as source, open(target or os.devnull, "xb" if target else "wb") as out:
                    for chunk in iter(lambda: source.read(1 << 20), b""):
                        out.write(chunk)
                        for one in hashes.values():
                            one.update(chunk)
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                faults.append("damaged: %s (%s)" % (member, error))
                continue
            for algorithm, digest, name in wanted.get(member, []):
                if algorithm in hashes and hashes[algorithm].hexdigest() != digest:
                    faults.append("differs from %s: %s" % (name, member))
    return faults, unchecked

def main(arguments):
    extract = None
    if "--extract" in arguments:
        at = arguments.index("--extract")
        extract, arguments = arguments[at + 1], arguments[:at] + arguments[at + 2:]
    worst = 0
    for start in arguments or [os.path.dirname(os.path.abspath(__file__))]:
        below = sorted(os.path.join(d, f) for d, _, fs in os.walk(os.path.join(start, "r")) for f in fs if f.endswith(".zip"))
        if os.path.isdir(start) and not below:
            print(start, "holds no bags (give a bag, or a store's folder)")
            worst = worst or 2
        for path in below if os.path.isdir(start) else [start]:
            try:
                faults, unchecked = check(path, extract)
            except Exception as error:  # whatever is wrong with one bag, go on with the next
                faults, unchecked = ["cannot be read: %s" % error], []
            worst = 1 if faults or worst == 1 else 2 if unchecked or worst == 2 else 0
            print(path, "FAULT" if faults else "intact", *("\n  " + f for f in faults), *("\n  not_checked " + n for n in unchecked))
    return worst

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
