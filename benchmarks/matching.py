#!/usr/bin/env python3
"""Matching: kbioxlm against pyahocorasick, in turns, one thread each; prints the medians and their ratio.

    pip install pyahocorasick pyarrow
    python benchmarks/matching.py KB LANG TEXT.jsonl... [--runs 9] [--without-peer]

Both look for the same names: those of the knowledge base that are looked for in LANG. The peer is given what it is best at: its
`iter_long` (leftmost-longest) over text in lower case that was prepared before the clock starts, one C call a document, matches counted
only. kbioxlm folds case, width and composition, checks boundaries and returns byte and character ranges within the clock.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import time


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kb", type=pathlib.Path)
    parser.add_argument("lang")
    parser.add_argument("texts", nargs="+")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--without-peer", action="store_true", help="for lexica that the peer cannot hold in memory")
    args = parser.parse_args()

    subprocess.run(["cargo", "bench", "-q", "-p", "kbioxlm-knowledge", "--bench", "matching", "--no-run"], check=True)
    command = ["cargo", "bench", "-q", "-p", "kbioxlm-knowledge", "--bench", "matching", "--"]
    ours = subprocess.Popen([*command, str(args.kb), args.lang, *args.texts],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run_ours():
        ours.stdin.write("run\n")
        ours.stdin.flush()
        return json.loads(ours.stdout.readline())

    peer = None if args.without_peer else make_peer(args)
    first = run_ours()
    times, peer_times, peer_found = [], [], 0
    for _ in range(args.runs):
        times.append(run_ours()["seconds"])
        if peer:
            start = time.perf_counter()
            peer_found = peer()
            peer_times.append(time.perf_counter() - start)
    megabytes = first["bytes"] / 1e6
    speed = megabytes / statistics.median(times)
    print(f"{first['documents']} documents, {megabytes:.1f} MB; opened in {first['open_s']} s; "
          f"resident {first['resident_mib']} MiB, of which not mapped {first['anonymous_mib']} MiB")
    print(f"kbioxlm       {speed:8.1f} MB/s  {first['mentions']} mentions")
    if peer:
        peer_speed = megabytes / statistics.median(peer_times)
        print(f"pyahocorasick {peer_speed:8.1f} MB/s  {peer_found} matches (without boundaries)")
        print(f"ratio         {speed / peer_speed:8.2f}")
    ours.stdin.close()


def make_peer(args):
    import ahocorasick
    import pyarrow.parquet

    terms = pyarrow.parquet.read_table(args.kb / "terms.parquet", columns=["lang", "term", "matched"]).to_pydict()
    automaton = ahocorasick.Automaton()
    for lang, term, matched in zip(terms["lang"], terms["term"], terms["matched"]):
        if matched and lang == args.lang:
            automaton.add_word(term.lower(), len(term))
    automaton.make_automaton()
    documents = [json.loads(line)["text"].lower() for path in args.texts for line in open(path, encoding="utf-8")]
    print(f"{len(automaton)} names", flush=True)

    def run():
        found = 0
        for document in documents:
            # Counting by exhausting the iterator in C: the fastest way to consume it from Python.
            matches = list(automaton.iter_long(document))
            found += len(matches)
        return found

    return run


if __name__ == "__main__":
    main()
