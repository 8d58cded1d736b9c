"""What the benchmarks against PyTorch share: both programs run in turns, each time as a process of its own."""
import json
import os
import subprocess
import sys
import time


def add_arguments(parser, rounds):
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--kbioxlm", default="target/release/kbioxlm", help="the program, built with `cargo build --release`")
    parser.add_argument("--preload", metavar="FILE", help="a library that the peer is started with")


def in_turns(args, ours, work):
    """The reports (the JSON that each process prints) by program, with `whole_seconds` added.

    `ours` makes the arguments of `kbioxlm` for a turn; the peer is this script again, with `--peer-only` and the path of its `work`.
    """
    reports = {"kbioxlm": [], "PyTorch": []}
    theirs = [sys.executable, *sys.argv, "--peer-only", str(work)]
    helped = dict(os.environ, LD_PRELOAD=args.preload) if args.preload else None
    for turn in range(args.rounds):
        mine = [args.kbioxlm, "--threads", str(args.threads), *ours(turn)]
        for name, command, environment in [("kbioxlm", mine, None), ("PyTorch", theirs, helped)]:
            start = time.perf_counter()
            out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
            reports[name].append(dict(json.loads(out), whole_seconds=time.perf_counter() - start))
    return reports
