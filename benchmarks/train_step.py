#!/usr/bin/env python3
"""Training steps: kbioxlm against PyTorch + transformers on the same batches, in turns; prints medians and ratios.

    pip install torch transformers
    python benchmarks/train_step.py --shape small            # or base; --forward-only
    python benchmarks/train_step.py --corpus DIR --model DIR --reference

Both run forward, backward and AdamW with dropout 0.1, on as many threads. The peer is at its best: SDPA attention, fused AdamW, logits at
masked positions only; with --compile also `torch.compile`. It does not clip gradients; kbioxlm does. With --reference it runs the recipe of
the paper's code instead: logits for every position over 250,002 pieces. Sequences of one length need no mask, others are padded to the
longest of their batch. MKL, which PyTorch multiplies with, takes its slower kernels on processors that are not Intel's; the peer is helped
over that with `--preload FILE`, a library made from `int mkl_serv_intel_cpu_true(void) { return 1; }` by `cc -shared -fPIC`. Each turn is a process of its own, so that peak memory (resident, libraries and all) is each one's.
"""
import argparse
import json
import pathlib
import statistics
import tempfile

import turns


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=["small", "base"], default="small")
    parser.add_argument("--corpus", type=pathlib.Path)
    parser.add_argument("--model", type=pathlib.Path)
    parser.add_argument("--sequences", type=int)
    parser.add_argument("--length", type=int)
    parser.add_argument("--forward-only", action="store_true")
    parser.add_argument("--reference", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--steps", type=int, default=7)
    parser.add_argument("--warm-up", type=int, default=2)
    turns.add_arguments(parser, rounds=5)
    parser.add_argument("--peer-only", type=pathlib.Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer_only:
        return print(json.dumps(peer(args)))

    with tempfile.TemporaryDirectory() as folder:
        batches = pathlib.Path(folder) / "batches.json"
        ours = ["bench", "train-step", "--json", "--batches-out", str(batches), "--steps", str(args.steps),
                "--warm-up", str(args.warm_up), "--shape", args.shape]
        for name in ["corpus", "model", "sequences", "length"]:
            if getattr(args, name):
                ours += [f"--{name}", str(getattr(args, name))]
        if args.forward_only:
            ours.append("--forward-only")
        reports = turns.in_turns(args, lambda _: ours, batches)
    figures = {}
    for name, runs in reports.items():
        total = statistics.median(sum(run["milliseconds"]) for run in runs)
        speed = statistics.median(run["tokens_per_second"] for run in runs)
        step = statistics.median(ms for run in runs for ms in run["milliseconds"])
        memory = statistics.median(run["peak_memory_mib"] for run in runs)
        figures[name] = total, memory
        print(f"{name:8} {step:8.1f} ms a step (median)   {speed:8.0f} tokens/s   {memory:6.0f} MiB   "
              f"last loss {runs[-1]['losses'][-1]:.4f}")
    (our_time, our_memory), (their_time, their_memory) = figures["kbioxlm"], figures["PyTorch"]
    print(f"kbioxlm is {their_time / our_time:.2f} times as fast with {our_memory / their_memory:.2f} of the memory")


def peer(args):
    import resource
    import time

    import torch
    import transformers

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    work = json.loads(args.peer_only.read_text())
    settings = dict(work["config"])
    if args.reference:
        settings["vocab_size"] = 250_002
    config = transformers.AutoConfig.for_model(settings.pop("model_type"), **settings)
    config._attn_implementation = "sdpa"
    model = transformers.AutoModelForMaskedLM.from_config(config)
    encoder, head = model.base_model, getattr(model, "lm_head", None) or model.cls
    if args.compile:
        encoder.compile()
    batches = [pad(torch, batch, config.pad_token_id or 0) for batch in work["batches"]]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01, eps=1e-8, fused=True)

    def train(ids, mask, rows, targets, labels):
        if args.reference:
            loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        else:
            states = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
            loss = torch.nn.functional.cross_entropy(head(states.flatten(0, 1)[rows]), targets)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()

    def forward(ids, mask, *_):
        with torch.inference_mode():
            return encoder(input_ids=ids, attention_mask=mask).last_hidden_state.sum().item()

    model.train(not args.forward_only)
    step = forward if args.forward_only else train
    milliseconds, losses, tokens = [], [], 0
    for i in range(args.warm_up + args.steps):
        count, *tensors = batches[i % len(batches)]
        start = time.perf_counter()
        loss = step(*tensors)
        if i >= args.warm_up:
            milliseconds.append((time.perf_counter() - start) * 1e3)
            losses.append(loss)
            tokens += count
    return {"milliseconds": milliseconds, "losses": losses, "tokens_per_second": tokens / sum(milliseconds) * 1e3,
            "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def pad(torch, batch, padding):
    """Number of pieces, ids, attention mask (None if all are as long), rows of the masked positions, their targets, labels."""
    longest = max(map(len, batch["ids"]))
    ids = torch.tensor([row + [padding] * (longest - len(row)) for row in batch["ids"]])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in batch["ids"]])
    rows = torch.tensor([i * longest + p for i, row in enumerate(batch["positions"]) for p in row])
    targets = torch.tensor([t for row in batch["targets"] for t in row])
    labels = torch.full((ids.numel(),), -100)
    labels[rows] = targets
    count = sum(map(len, batch["ids"]))
    return count, ids, None if mask.all() else mask, rows, targets, labels.view(ids.shape)


if __name__ == "__main__":
    main()
