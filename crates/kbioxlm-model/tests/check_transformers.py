#!/usr/bin/env python3
"""Checks that `transformers` loads what kbioxlm writes and computes the same.

  cargo run -p kbioxlm-model --example roundtrip -- OUT_DIR
  check_transformers.py OUT_DIR            (needs torch and transformers)
"""
import json, os, sys

import torch
from transformers import (AutoConfig, AutoModelForMaskedLM, AutoModelForSequenceClassification,
                          AutoModelForTokenClassification, AutoTokenizer)

CLASSES = {"ForMaskedLM": AutoModelForMaskedLM, "ForTokenClassification": AutoModelForTokenClassification,
           "ForSequenceClassification": AutoModelForSequenceClassification}


def check(directory):
    computed = json.load(open(f"{directory}/computed.json"))
    config = AutoConfig.from_pretrained(directory)
    cls = next(c for name, c in CLASSES.items() if config.architectures[0].endswith(name))
    model, loading = cls.from_pretrained(directory, output_loading_info=True)
    unexpected = {k for k in loading["unexpected_keys"] if not k.startswith("prp.")}
    assert not loading["missing_keys"] and not unexpected, loading
    tokenizer = AutoTokenizer.from_pretrained(directory)
    ids = tokenizer(computed["text"])["input_ids"]
    assert ids == computed["ids"], f"{directory}: pieces {computed['ids']}, transformers {ids}"
    assert tokenizer.mask_token == "<mask>" and tokenizer.pad_token_id == config.pad_token_id
    if computed["labels"]:
        assert [config.id2label[i] for i in range(config.num_labels)] == computed["labels"]
    with torch.no_grad():
        logits = model.eval()(torch.tensor([ids])).logits.flatten()
    difference = (logits - torch.tensor(computed["logits"])).abs().max().item()
    print(f"{directory}: {type(model).__name__}, largest difference {difference:.2e}")
    assert difference < 1e-4 * max(1, logits.abs().max().item())


if __name__ == "__main__":
    for name in sorted(os.listdir(sys.argv[1])):
        check(os.path.join(sys.argv[1], name))
