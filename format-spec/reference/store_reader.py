#!/usr/bin/env python3
"""An independent reader of a store, written from `../store.md`: manifests, ledger, HEAD, and the files they name.

    store_reader.py STORE                 a line for each imported table, sorted: table, venue, security, date, rows,
                                          content digest in 32 hex digits
    store_reader.py --set NAME STORE      the same for a feature set, as `hftcol ls --digest --set NAME` prints it
    store_reader.py --all STORE           the same for all of the store, as `hftcol ls --digest` prints it
    store_reader.py --ledger STORE        a line for each record of the ledger
    store_reader.py --verify STORE        what is wrong, with the number of the rule; every file is read and hashed
    store_reader.py --tables STORE        the same, and every table is read by `reader`

The listings say on standard error what is wrong as far as names and lengths tell. Exit 1 if anything is. What a killed
or running writer leaves and the next run mends is said too (`accepted`), but is not wrong. No lock is taken: while a
run writes into the store, look again before you believe a finding.
"""

import argparse
import re
import sys
from collections import namedtuple
from pathlib import Path

import reader
import store_layout as parts
from hashes import xxh3_128
from layout import Broken, require

OWN = ("hftcol-store.json", "features", "journal", "quarantine", ".staging")
SET_NAME = re.compile("[a-z0-9_][a-z0-9_-]{0,63}")

# `accepted` is true for what the next run mends.
Finding = namedtuple("Finding", "path what accepted")


class Store:
    """A store as it is found. `manifests` has for each tree and partition path the manifest that counts."""

    def __init__(self, root, hash_files=False, read_tables=False):
        self.root, self.hash_files, self.read_tables = Path(root), hash_files or read_tables, read_tables
        self.findings, self.manifests, self.known = [], {}, {}
        self.head, self.records, self.torn = None, [], 0

    def find(self, path, what, accepted=False):
        self.findings.append(Finding(str(path), str(what), accepted))

    def check(self):
        """Looks at everything once."""
        try:
            store_id = parts.parse_store_id((self.root / "hftcol-store.json").read_bytes())
        except (Broken, OSError) as e:
            self.find("hftcol-store.json", e)
            return
        ledger_is_whole = self.check_ledger(parts.genesis(store_id))
        self.check_journal_folder()
        self.check_tree("", ledger_is_whole)
        for folder in self.folder("features"):
            if not is_folder(folder) or not SET_NAME.fullmatch(folder.name):
                self.find(self.name(folder), "rule S-23: not a feature set")
                continue
            self.check_tree(f"features/{folder.name}", ledger_is_whole)
            if (folder / "set.hfts").exists():
                self.check_single(folder / "set.hfts", f"features/{folder.name}")
        for file in self.folder("quarantine"):
            self.check_single(file, "")
        for file in self.folder(".staging"):
            self.find(self.name(file), "of a run that is under way or was killed", accepted=True)
        for path in self.known:
            self.find(path, "rule S-15: in the ledger, not in the store")

    def folder(self, path):
        folder = self.root / path
        return sorted(folder.iterdir()) if folder.is_dir() else []

    def name(self, path):
        return path.relative_to(self.root).as_posix()

    # --- Ledger ------------------------------------------------------------------------------------------------------

    def check_ledger(self, genesis):
        """HEAD and ledger (S-16 to S-22); notes the last word on each unit. True if nothing is wrong with them.

        In a clean store the ledger is exactly what HEAD says. In one with an open lane it may go on, and end inside a
        record.
        """
        try:
            self.head = parts.parse_head((self.root / "journal/HEAD").read_bytes())
        except FileNotFoundError:
            self.find("journal/HEAD", "rule S-16: no such file")
        except Broken as broken:
            self.find("journal/HEAD", broken)
        try:
            data = (self.root / "journal/ledger.hftj").read_bytes()
            self.read_ledger(data, genesis)
        except FileNotFoundError:
            self.find("journal/ledger.hftj", "rule S-17: no such file")
            return False
        except Broken as broken:
            self.find("journal/ledger.hftj", broken)
            return False
        if self.torn:
            self.find("journal/ledger.hftj", f"a killed run left {self.torn} bytes of a record", accepted=True)
        return self.head is not None

    def read_ledger(self, data, genesis):
        """All records, and the bytes of a torn one at the end."""
        at = parts.Position(0, 0, genesis)
        head = self.head
        while True:
            if head and at.records == head.records:
                same = at == (head.records, head.length, head.last)
                require(same, "S-20", f"record {at.records} ends at byte {at.length}, or its hash, against HEAD")
            record, after = parts.next_record(data, at)
            if record is None:
                break
            at = after
            self.note(record)
        self.torn = len(data) - at.length
        if head:
            require(at.records >= head.records, "S-21", f"{at.records} records, HEAD says {head.records}")
            exact = at.records == head.records and not self.torn
            require(head.open or exact, "S-21", f"more than the {head.records} records of HEAD, and no run is open")

    def note(self, record):
        """The unit's last record counts."""
        self.records.append(record)
        path = parts.unit_path(record)
        self.known.pop(path, None)
        if record.kind != "removed" and record.files:
            self.known[path] = record

    def check_journal_folder(self):
        for file in self.folder("journal"):
            if file.is_file() and file.name.startswith("failed.") and file.name.endswith(".hftf"):
                self.check_failures(file)
                continue
            if file.is_file() and file.name == "sources.hftn":
                self.check_source_names(file)
                continue
            ours = file.name in ("HEAD", "ledger.hftj") or file.name.endswith(".lock")
            if not ours or not file.is_file():
                self.find(self.name(file), "rule S-23: not a file of the journal")

    def check_failures(self, file):
        """What failed in a lane's last run: nothing depends on it, its checksum counts all the same (S-26)."""
        try:
            parts.parse_failures(file.read_bytes(), file.name[len("failed."):-len(".hftf")])
        except Broken as broken:
            self.find(self.name(file), broken)

    def check_source_names(self, file):
        """By which paths sources were imported (S-27); nothing depends on it either."""
        try:
            parts.parse_source_names(file.read_bytes())
        except Broken as broken:
            self.find(self.name(file), broken)

    def is_open(self, tree):
        """Whether a run on a tree is under way or was killed."""
        lane = f"set.{tree[len('features/'):]}" if tree else "raw"
        lanes = self.head.open if self.head else []
        return any(open_lane == lane or (tree and open_lane.startswith(lane + ".")) for open_lane in lanes)

    # --- Partitions --------------------------------------------------------------------------------------------------

    def check_tree(self, tree, ledger_is_whole):
        """Every partition folder `venue=V/security=S/date=D`; whatever else is there is foreign (S-23)."""
        own = OWN if tree == "" else ("set.hfts",)
        levels = ["venue", "security", "date"]
        folders = [folder for folder in self.folder(tree) if folder.name not in own]
        for level in levels:
            good = [folder for folder in folders if is_folder(folder) and is_level(level, folder.name)]
            for folder in folders:
                if folder not in good:
                    self.find(self.name(folder), "rule S-23: not a part of the store")
            folders = good if level == "date" else [child for folder in good for child in sorted(folder.iterdir())]
        for folder in folders:
            self.check_partition(tree, folder, ledger_is_whole)

    def check_partition(self, tree, folder, ledger_is_whole):
        """The highest valid manifest, what it lists, and what the ledger says of it."""
        path = self.name(folder)
        known, is_open = self.known.pop(path, None), self.is_open(tree)
        files = {}
        for file in sorted(folder.iterdir()):
            found = parts.parse_file_name(file.name) if file.is_file() and not file.is_symlink() else None
            if found is None:
                self.find(self.name(file), "rule S-23: not a file of a partition")
            else:
                files[file.name] = found
        manifest, data, invalid = self.manifest(path, files)
        for name, broken in invalid:
            self.find(f"{path}/{name}", broken)
        if manifest is None:
            if known and not invalid:
                self.find(path, "rule S-15: in the ledger, but without a manifest")
            elif not known and not invalid and files:
                self.find(path, "rule S-24: files without a manifest", is_open)
            return
        self.manifests[tree, path] = manifest
        self.compare(path, manifest, data, known, is_open, ledger_is_whole)
        for segment in manifest.segments:
            self.check_segment(path, manifest, segment)
        listed = {parts.manifest_name(manifest.generation), *map(parts.segment_name, manifest.segments)}
        for name in sorted(set(files) - listed - {name for name, _ in invalid}):
            self.find(f"{path}/{name}", "rule S-24: the manifest does not list it", is_open)

    def manifest(self, path, files):
        """The highest valid manifest with its bytes, and those above it that are not valid."""
        invalid = []
        generations = sorted((generation for generation, is_manifest in files.values() if is_manifest), reverse=True)
        for generation in generations:
            name = parts.manifest_name(generation)
            data = (self.root / path / name).read_bytes()
            try:
                require(len(data) <= parts.SMALL_MAX, "S-11", f"{len(data)} bytes")
                manifest = parts.parse_manifest(data)
                tree = "/".join(path.split("/")[:-3])
                own = parts.partition_path(tree, manifest.venue, manifest.security, manifest.date)
                require((own, manifest.generation) == (path, generation), "S-11", f"{own}, {manifest.generation}")
                return manifest, data, invalid
            except Broken as broken:
                invalid.append((name, broken))
        return None, b"", invalid

    def compare(self, path, manifest, data, known, is_open, ledger_is_whole):
        """A partition's manifest with the ledger's last record of it (S-14, S-15, S-23)."""
        first = known.files[0] if known else None
        if first and (first.length, first.hash) == (len(data), xxh3_128(data)):
            digests = [(table, parts.table_digest(found)) for table, found in parts.tables(manifest).items()]
            files = [parts.Fact(parts.segment_name(s), s.rows, s.length, s.file_hash) for s in manifest.segments]
            if (known.files[1:], known.digests) != (files, digests):
                self.find(path, "rule S-14: the ledger has other files or content digests than the manifest")
        elif known and known.generation > manifest.generation:
            self.find(path, f"rule S-15: generation {manifest.generation}, the ledger has {known.generation}")
        elif known and known.generation == manifest.generation:
            self.find(path, "rule S-14: not the manifest that the ledger knows")
        elif is_open:
            self.find(path, "sealed, not yet in the ledger", accepted=True)
        elif ledger_is_whole:
            self.find(path, "rule S-23: not in the ledger")

    def check_segment(self, path, manifest, segment):
        """A listed file: there (S-12), of its length (S-13), with its hash (S-14), and the table that it should be."""
        name = f"{path}/{parts.segment_name(segment)}"
        file = self.root / name
        if not file.is_file():
            return self.find(name, "rule S-12: the manifest lists this file and it is not there")
        if file.stat().st_size != segment.length:
            return self.find(name, f"rule S-13: {file.stat().st_size} bytes, the manifest says {segment.length}")
        if not self.hash_files:
            return None
        data = file.read_bytes()
        if xxh3_128(data) != segment.file_hash:
            self.find(name, "rule S-14: not the hash of the manifest")
        if segment.extension != "hftc" or not self.read_tables:
            return None
        try:
            header, footer, _ = reader.read(data)
        except Broken as broken:
            return self.find(name, broken)
        says = (header.venue, header.security, header.date, header.table, header.generation, header.segment,
                header.date_tz, header.schema_hash, footer.rows, footer.identity, footer.content_digest)
        wanted = (manifest.venue, manifest.security, manifest.date, segment.table, segment.generation, segment.segment,
                  manifest.date_tz, segment.schema_hash, segment.rows, segment.identity, segment.content_digest)
        if says != wanted:
            self.find(name, f"the manifest says {wanted}, the file {says}")
        return None

    def check_single(self, file, tree):
        """A unit of one file: the configuration of a feature set, or a file of the quarantine."""
        path = self.name(file)
        known, data = self.known.pop(path, None), file.read_bytes()
        try:
            if file.name == "set.hfts" and tree:
                check_set_file(data, file.parent.name)
        except Broken as broken:
            self.find(path, broken)
        fact = known.files[0] if known else None
        if fact and (fact.length, fact.hash) == (len(data), xxh3_128(data)):
            return
        if self.is_open(tree):
            self.find(path, "not yet in the ledger", accepted=True)
        elif known:
            self.find(path, "rule S-14: not the file that the ledger knows")
        else:
            self.find(path, "rule S-23: not in the ledger")

    def listing(self, tree=None):
        """The lines of `hftcol ls --digest`, of one tree or all."""
        lines = []
        for (found, _), manifest in self.manifests.items():
            if tree not in (None, found):
                continue
            key = [parts.escape("venue", manifest.venue), parts.escape("security", manifest.security),
                   reader.date_text(manifest.date)]
            # Tables of a feature set are told from imported ones by the set's name.
            prefix = found[len("features/"):] + "/" if found else ""
            for table, segments in parts.tables(manifest).items():
                rows = str(sum(s.rows for s in segments))
                lines.append(" ".join([prefix + table, *key, rows, f"{parts.table_digest(segments):032x}"]))
        return sorted(lines)

    def ledger(self):
        """A line for each record: number, kind, unit, generation, files."""
        for record in self.records:
            names = " ".join(fact.name for fact in record.files)
            yield f"{record.seq} {record.kind} {record.unit} {parts.unit_path(record)} {record.generation} {names}"
        lanes = " ".join(self.head.open) if self.head else ""
        yield f"{len(self.records)} records, {self.torn} bytes torn, open: {lanes or 'none'}"


def is_folder(path):
    return path.is_dir() and not path.is_symlink()


def is_level(level, name):
    """Whether a folder's name is `<level>=` and an escaped name, or a date that there is."""
    if not name.startswith(level + "="):
        return False
    name = name[len(level) + 1:]
    return parts.is_escaped(level, name) if level in parts.PLAIN else is_date(name)


def is_date(text):
    """YYYY-MM-DD of the proleptic Gregorian calendar."""
    found = re.fullmatch(r"(\d{4}|-\d{3})-(\d\d)-(\d\d)", text, re.ASCII)
    if not found or f"{int(found.group(1)):04}" != found.group(1):
        return False
    year, month, day = map(int, found.groups())
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = [31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return 1 <= month <= 12 and 1 <= day <= days[month - 1]


def check_set_file(data, name):
    """The canonical configuration of a feature set: its name, then the configuration's bytes (S-03 to S-08, S-25)."""
    at = parts.frame(parts.SET_MAGIC, data)
    found = at.text()
    require(found == name, "S-25", f"the set file of {found!r}")
    at.take(at.count(1), "S-07")
    at.end()


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path, help="folder of the store")
    parser.add_argument("--set", help="list a feature set")
    parser.add_argument("--all", action="store_true", help="list imported tables and all feature sets")
    parser.add_argument("--ledger", action="store_true", help="list the records of the ledger")
    parser.add_argument("--verify", action="store_true", help="read and hash every file, print what is wrong")
    parser.add_argument("--tables", action="store_true", help="the same, and read every table")
    options = parser.parse_args(arguments)
    store = Store(options.store, options.verify, options.tables)
    store.check()
    verify = options.verify or options.tables
    findings = [f"{'accepted' if f.accepted else 'wrong'}: {f.path}: {f.what}" for f in store.findings]
    is_sound = all(finding.accepted for finding in store.findings)
    if verify:
        lines = findings + ["sound"] * is_sound
    else:
        tree = None if options.all else f"features/{options.set}" if options.set else ""
        lines = store.ledger() if options.ledger else store.listing(tree)
        print("\n".join(findings), end="\n" * bool(findings), file=sys.stderr)
    for line in lines:
        print(line)
    return 0 if is_sound else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
