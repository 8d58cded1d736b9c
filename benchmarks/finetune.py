#!/usr/bin/env python3
"""Fine-tuning a tagger: kbioxlm against PyTorch + transformers on the same sentences and labels, in turns; prints medians and ratios.

    pip install torch transformers
    cargo build --release
    python benchmarks/finetune.py --model DIR --train train.conll --dev dev.conll --epochs 2

Both encode token by token, as transformers' `is_split_into_words` does, label the first sub-token of a word, take steps of so many
documents forward and backward with the model's dropout, clip, and update with AdamW under the same schedule; after each epoch both score the
dev data, whose F1 is printed too: neither may be faster by learning less. The peer is at its best: SDPA attention, fused AdamW, batches of documents of
similar length, padded to the longest (transformers' `group_by_length`); kbioxlm's are at random and have no padding. `training` is the time
of the steps alone, `whole` that of the process, from reading files to writing the model. Documents longer than `--max-length` are left out
for both. MKL: see `train_step.py`.
"""
import argparse
import json
import pathlib
import random
import statistics
import tempfile
import time

import turns


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, required=True, help="HF directory to start from")
    parser.add_argument("--train", type=pathlib.Path, required=True, help="CoNLL: token<TAB>tag, a blank line after each sentence")
    parser.add_argument("--dev", type=pathlib.Path, required=True)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--max-length", type=int, default=256)
    parser.add_argument("--documents", type=int, help="take only so many documents of the training data")
    turns.add_arguments(parser, rounds=3)
    parser.add_argument("--peer-only", type=pathlib.Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer_only:
        return print(json.dumps(peer(args)))

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        tokenizer = load_tokenizer(args.model)
        for name, limit in [("train", args.documents), ("dev", None)]:
            documents = read(getattr(args, name))
            lengths = [len(ids) for ids, _ in encode(tokenizer, documents)]
            fitting = [d for d, length in zip(documents, lengths) if length <= args.max_length]
            print(f"{name}: {len(fitting[:limit])} of {len(documents)} documents")
            write(folder / f"{name}.conll", fitting[:limit])
        settings = {"epochs": args.epochs, "batch_size": args.batch_size, "learning_rate": args.learning_rate,
                    "max_length": args.max_length, "encoding": "marked-words", "label": "first"}
        ours = ["finetune", "--task", "ner", "--model", str(args.model), "--train", str(folder / "train.conll"),
                "--dev", str(folder / "dev.conll"), "--json"]
        ours += [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        reports = turns.in_turns(args, lambda turn: [*ours, "--out", str(folder / f"tuned-{turn}")], folder)
    times = {}
    for name, runs in reports.items():
        training, whole, score = (
            statistics.median(run[key] for run in runs) for key in ["train_seconds", "whole_seconds", "dev_score"])
        times[name] = training, whole
        print(f"{name:8} training {training:8.2f} s   whole {whole:8.2f} s   dev F1 {100 * score:6.2f}")
    for i, what in enumerate(["training", "whole"]):
        print(f"{what}: kbioxlm takes {times['kbioxlm'][i] / times['PyTorch'][i]:.2f} of the time of PyTorch")


def read(path):
    """Documents as lists of (token, tag); where no `-DOCSTART-` lines part them, each sentence is one."""
    documents, parted = [[]], False
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("-DOCSTART-"):
            parted = True
            documents.append([])
        elif line.strip():
            documents[-1].append(tuple(line.split("\t")))
        elif not parted:
            documents.append([])
    return [d for d in documents if d]


def write(path, documents):
    lines = (f"-DOCSTART-\t{i}\n\n" + "".join(f"{token}\t{tag}\n" for token, tag in d) for i, d in enumerate(documents))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def load_tokenizer(model):
    import transformers

    return transformers.PreTrainedTokenizerFast(tokenizer_file=str(model / "tokenizer.json"))


def encode(tokenizer, documents):
    """Of each document the ids with `<s>` and `</s>`, and for each id the number of the token that it is the first of."""
    begin, end = tokenizer.convert_tokens_to_ids(["<s>", "</s>"])
    tokens = [[token for token, _ in d] for d in documents]
    encoded = tokenizer(tokens, is_split_into_words=True, add_special_tokens=False)
    result = []
    for i, ids in enumerate(encoded.input_ids):
        words = encoded.word_ids(i)
        firsts = [word if n == 0 or words[n - 1] != word else None for n, word in enumerate(words)]
        result.append(([begin, *ids, end], [None, *firsts, None]))
    return result


def peer(args):
    import torch
    import transformers

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    random.seed(0)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    tokenizer = load_tokenizer(args.model)
    train, dev = (read(args.peer_only / f"{name}.conll") for name in ["train", "dev"])
    types = sorted({tag[2:] for d in train for _, tag in d if tag != "O"})
    labels = ["O", *(f"{p}-{t}" for t in types for p in "BI")]
    items = []
    for document, (ids, firsts) in zip(train, encode(tokenizer, train)):
        items.append((ids, [-100 if i is None else labels.index(document[i][1]) for i in firsts]))
    dev_encoded = encode(tokenizer, dev)
    model = transformers.AutoModelForTokenClassification.from_pretrained(
        args.model, num_labels=len(labels), attn_implementation="sdpa", dtype=torch.float32)
    padding = model.config.pad_token_id or 0
    decayed = [p for p in model.parameters() if p.dim() > 1]
    other = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": other, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=args.learning_rate, eps=1e-8, fused=True)
    total = args.epochs * -(-len(items) // args.batch_size)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, total // 10, total)
    seconds, best = 0.0, 0.0
    for _ in range(args.epochs):
        model.train()
        for numbers in grouped([len(ids) for ids, _ in items], args.batch_size):
            start = time.perf_counter()
            ids, mask = pad(torch, [items[i][0] for i in numbers], padding)
            targets, _ = pad(torch, [items[i][1] for i in numbers], -100)
            loss = model(input_ids=ids, attention_mask=mask, labels=targets).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            loss.item()
            seconds += time.perf_counter() - start
        best = max(best, score(torch, model, dev, dev_encoded, labels, padding))
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
    return {"train_seconds": seconds, "dev_score": best}


def grouped(lengths, size):
    """Batches of similar length in random order: sorted within stretches of 50 batches, as transformers does it."""
    order = random.sample(range(len(lengths)), len(lengths))
    stretches = [sorted(order[i : i + 50 * size], key=lambda n: lengths[n]) for i in range(0, len(order), 50 * size)]
    batches = [s[i : i + size] for s in stretches for i in range(0, len(s), size)]
    random.shuffle(batches)
    return batches


def pad(torch, rows, padding):
    """The rows as one tensor, and the attention mask (None if all are as long)."""
    longest = max(map(len, rows))
    values = torch.tensor([row + [padding] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return values, None if mask.all() else mask


def score(torch, model, documents, encoded, labels, padding):
    """Strict entity F1; an `I-` without a `B-` opens an entity."""
    model.eval()
    order = sorted(range(len(encoded)), key=lambda i: len(encoded[i][0]))
    right = found = gold = 0
    with torch.inference_mode():
        for begin in range(0, len(order), 64):
            numbers = order[begin : begin + 64]
            ids, mask = pad(torch, [encoded[i][0] for i in numbers], padding)
            logits = model(input_ids=ids, attention_mask=mask).logits.tolist()
            for i, rows in zip(numbers, logits):
                tags = decode([row for row, token in zip(rows, encoded[i][1]) if token is not None], labels)
                ours, theirs = spans(tags), spans([tag for _, tag in documents[i]])
                right, found, gold = right + len(ours & theirs), found + len(ours), gold + len(theirs)
    return 2 * right / max(found + gold, 1)


def decode(rows, labels):
    """The best sequence in which an `I-` follows only a `B-` or `I-` of its type, as kbioxlm decodes."""
    numbers = range(len(labels))
    former = [[a for a in numbers if label[0] != "I" or labels[a][1:] == label[1:]] for label in labels]
    scores = [score if label[0] != "I" else float("-inf") for score, label in zip(rows[0], labels)]
    steps = []
    for row in rows[1:]:
        best = [max(from_, key=lambda a: scores[a]) for from_ in former]
        scores = [scores[a] + score for a, score in zip(best, row)]
        steps.append(best)
    path = [max(numbers, key=lambda a: scores[a])]
    for best in reversed(steps):
        path.append(best[path[-1]])
    return [labels[a] for a in reversed(path)]


def spans(tags):
    result, start, label = set(), None, None
    for i, tag in enumerate([*tags, "O"]):
        if label is not None and tag != f"I-{label}":
            result.add((start, i, label))
            label = None
        if tag != "O" and label is None:
            start, label = i, tag[2:]
    return result


if __name__ == "__main__":
    main()
