//! The commands on small files, one after the other, as a user would run them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::Place;
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn mentions_have_byte_and_character_ranges_of_the_text_as_it_came() {
    let place = Place::new();
    place.knowledge();
    place.write("note.txt", "Größe — ASTHMA, not asthmatic; ALL but not all.");
    let out = place.run("knowledge match --kb kb --lang en --json note.txt").ok();
    let rows: Vec<Value> = out.lines().map(json).collect();
    let seen: Vec<_> = rows.iter().map(|r| (r["text"].as_str().unwrap(), r["concept"].as_str().unwrap())).collect();
    assert_eq!(seen, [("ASTHMA", "C1"), ("ALL", "C3")]);
    assert_eq!(rows[0]["bytes"], serde_json::json!([12, 18]));
    assert_eq!(rows[0]["chars"], serde_json::json!([8, 14]));
    assert_eq!(rows[0]["term"], "asthma");
}

#[test]
fn a_description_tells_what_to_build_and_questions_are_answered_in_words_and_json() {
    let place = Place::new();
    std::fs::create_dir(place.path("sources")).unwrap();
    place.write("sources/lexicon.tsv", common::LEXICON);
    place.write("sources/wrong.txt", "ALL@en\n");
    place.write("sources/hp.obo", "format-version: 1.2\nontology: hp\n\n[Term]\nid: HP:0002099\nname: Asthma\n");
    place.write(
        "sources/kb.toml",
        "[[source]]\nformat = \"lexicon\"\npath = \"lexicon.tsv\"\n\n[terms]\nexclude_files = [\"wrong.txt\"]\n",
    );
    let report = place
        .run("knowledge build -c sources/kb.toml --source obo=sources/hp.obo --facts facts.tsv --relations relations.tsv \
              --set terms.max_concepts_per_name=3 --out kb --json")
        .ok();
    let report = json(&report);
    assert_eq!(report["names"]["excluded"]["count"], 1);
    assert_eq!(report["sources"].as_array().unwrap().len(), 4);

    let stats = place.run("knowledge stats --kb kb").ok();
    assert!(stats.contains("4 concepts, 1 facts") && stats.contains("3 concepts named in both of en-zh"), "{stats}");
    assert!(stats.contains("source sources/hp.obo (obo)"), "{stats}");
    let stats = json(&place.run("knowledge stats --kb kb --json").ok());
    assert_eq!(stats["languages"]["en"]["matched"], 4);
    assert_eq!((&stats["facts"]["may_treat"], &stats["ambiguous"][0]["concepts"]), (&1.into(), &2.into()));
    assert_eq!(stats["description"]["terms"]["max_concepts_per_name"], 3);

    let found = place.run("knowledge lookup ASTHMA --kb kb").ok();
    for part in ["C1  Disease\n", "HP:0002099  hp\n", "zh      哮喘", "salbutamol may treat asthma"] {
        assert!(found.contains(part), "{part}: {found}");
    }
    assert!(place.run("knowledge lookup all --kb kb").ok().contains("ALL (not used: abbreviation, excluded)"));
    assert!(place.run("knowledge lookup C2 --lang zh --kb kb").ok().contains("沙丁胺醇可用于治疗哮喘"));
    let near = place.run("knowledge lookup asthmma --kb kb").ok();
    assert!(near.starts_with("Nothing is called `asthmma`.") && near.contains("asthma (en), C1"), "{near}");
    let answer = json(&place.run("knowledge lookup salbut --kb kb --json").ok());
    assert_eq!(answer["suggestions"][0]["name"], "salbutamol");
    place.run("knowledge lookup asthma --lang fi --kb kb").fails_with(&["`fi`", "en, zh"]);

    place.write("a.txt", "asthma");
    place.write("b.txt", "no mention\nsalbutamol");
    let rows = place.run("knowledge match --kb kb --lang en a.txt b.txt --json").ok();
    let rows: Vec<Value> = rows.lines().map(json).collect();
    assert_eq!(
        (&rows[0]["file"], &rows[0]["or"][0], &rows[1]["file"]),
        (&"a.txt".into(), &"HP:0002099".into(), &"b.txt".into())
    );
}

#[test]
fn a_description_with_an_unknown_key_is_an_error() {
    let place = Place::new();
    place.write("kb.toml", "[[source]]\nformat = \"lexicon\"\npath = \"lexicon.tsv\"\ncolour = 1\n");
    place.run("knowledge build -c kb.toml --out kb").fails_with(&["kb.toml"]);
    place.write("kb.toml", "[terms]\nmin_lenght = 3\n");
    place.run("knowledge build -c kb.toml --lexicon lexicon.tsv --out kb").fails_with(&["kb.toml", "min_lenght"]);
    place.run("knowledge build --out kb").fails_with(&["found no source"]);
}

#[test]
fn a_corpus_is_described_in_a_file_or_by_arguments() {
    let place = Place::new();
    place.knowledge();
    std::fs::create_dir(place.path("settings")).unwrap();
    place.write(
        "settings/test.txt",
        "Children with asthma were given salbutamol twice a day. Children with asthma were given it.",
    );
    place.write(
        "settings/corpus.toml",
        "levels = [\"entity\", \"passage\"]\nseed = 3\nexclude = [\"test.txt\"]\nexclude_words = 300\n\n\
         [[text]]\npath = \"../en.jsonl\"\nlang = \"en\"\nmax_documents = 2\n\n\
         [[passages]]\npath = \"../passages.jsonl\"\nlangs = [\"en\", \"zh\"]\n",
    );
    let report =
        json(&place.run("corpus build --kb kb -c settings/corpus.toml --text zh=zh.jsonl --out a --json").ok());
    let documents = &report["documents"];
    assert_eq!((&documents["en"]["used"], &documents["zh"]["used"]), (&2.into(), &4.into()));
    assert_eq!(report["passages"]["en-zh"]["used"], 6);

    place.write(
        "any.jsonl",
        "{\"id\": \"a\", \"lang\": \"en\", \"text\": \"asthma\"}\n{\"id\": \"b\", \"lang\": \"zh\", \"text\": \"哮喘\"}\n",
    );
    let arguments = "--levels entity --set languages={zh=2,en=1} --set switch_share=0.5";
    let report = json(&place.run(&format!("corpus build --kb kb --text any.jsonl {arguments} --out b --json")).ok());
    let used = |lang: &str| report["documents"][lang]["used"].as_u64();
    assert_eq!((used("en"), used("zh")), (Some(1), Some(1)), "each has the language that it declares");

    place.write("settings/corpus.toml", "[[text]]\npath = \"../en.jsonl\"\nlanguage = \"en\"\n");
    place
        .run("corpus build --kb kb -c settings/corpus.toml --out c")
        .fails_with(&["corpus.toml: [[text]]", "language"]);
    let help = place.run("corpus build --help").ok();
    assert!(help.contains("switch_share = 1.0") && help.contains("Share of a document's marked mentions"), "{help}");
}

#[test]
fn from_tables_to_a_pretrained_and_a_fine_tuned_model() {
    let place = Place::new();
    place.knowledge();
    let report = place
        .run("corpus build --kb kb --text en=en.jsonl --text zh=zh.jsonl --passages en-zh=passages.jsonl --levels entity,fact,passage --seed 3 --out corpus --json")
        .ok();
    assert!(json(&report).is_object());
    let shown = place.run("corpus show corpus --kind entity -n 3").ok();
    assert!(shown.contains("哮喘") && shown.contains("switched entity"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "no colours where stdout is no terminal");

    for (options, expected) in [
        ("--lang zh --kind fact -n 1", "沙丁胺醇"),
        ("--label random -n 1", "passage · passage:en-zh:random"),
        ("--concept C1 -n 1", "asthma"),
        ("--id entity:en:en-2:original", "Report 2."),
        ("--sample --seed 4 -n 2", "switched entity"),
    ] {
        let shown = place.run(&format!("corpus show corpus {options}")).ok();
        assert!(shown.contains(expected), "{options}: {shown}");
    }
    let drawn = place.run("corpus show corpus --sample -n 3 --json").ok();
    let ids: Vec<Value> = drawn.lines().map(|line| json(line)["id"].clone()).collect();
    assert_eq!(ids.len(), 3);
    place.run("corpus show corpus --concept C99").fails_with(&["corpus: none of its", "corpus stats"]);

    let base = place.model("base");
    let stats = json(&place.run("corpus stats corpus --tokenizer base --kb kb --top 2 --json").ok());
    let fact = &stats["lengths"]["fact"];
    assert!(fact["median"].as_u64() > Some(10) && stats["unit"] == "tokens", "{stats}");
    let most = stats["switched"][0]["name"].as_str().unwrap();
    assert!(["asthma / 哮喘", "salbutamol / 沙丁胺醇"].contains(&most), "{most}");
    let printed = place.run("corpus stats corpus --html stats.html").ok();
    for part in ["entity en", "█", "Passage pairs", "give --tokenizer for tokens", "Concepts switched most often"] {
        assert!(printed.contains(part), "`{part}` is not in: {printed}");
    }
    assert!(!printed.contains('\u{1b}'), "no colours where stdout is no terminal");
    let page = std::fs::read_to_string(place.path("stats.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("Corpus corpus") && !page.contains("http"), "{page}");
    let texts = "en.jsonl zh.jsonl";
    let trimmed = place.run(&format!("model trim --model base --text {texts} --out trimmed --json")).ok();
    assert!(json(&trimmed).is_object());
    let info = |dir: &str| json(&place.run(&format!("model info {dir} --json")).ok());
    assert!(info("trimmed")["pieces"].as_u64() <= info("base")["pieces"].as_u64());

    let pretrain = "pretrain --model base --corpus corpus --out pretrained --set train.budget={steps=3} \
                    --set train.max_length=16 --set train.tokens_per_batch=64 --json";
    let summary = json(&place.run(pretrain).ok());
    assert_eq!(summary["steps"], 3);
    assert_eq!(summary["interrupted"], false);
    let metrics = std::fs::read_to_string(place.path("pretrained/metrics.jsonl")).unwrap();
    assert_eq!(metrics.lines().count(), 3);
    let again = json(&place.run(pretrain).ok());
    assert_eq!(again["resumed_from"], 3, "a finished run is not repeated");
    assert_eq!(place.run("runs plot pretrained pretrained --out plot.svg").ok(), "plot.svg\n");
    let svg = std::fs::read_to_string(place.path("plot.svg")).unwrap();
    for part in
        [">loss<", ">loss of masked words and mentions<", ">learning rate<", ">pretrained<", "class=\"curve c1 d0\""]
    {
        assert!(svg.contains(part), "{part} in {svg}");
    }
    place.run("runs plot corpus").fails_with(&["corpus/metrics.jsonl"]);
    // Two devices have two batches a step, as one has that takes two.
    let two = json(&place.run(&format!("--device cpu,cpu {}", pretrain.replace("out pretrained", "out two"))).ok());
    let one = pretrain.replace("out pretrained", "out one") + " --set train.accumulation=2";
    assert_eq!(two["tokens"], json(&place.run(&one).ok())["tokens"]);

    for model in [base.file_name().unwrap().to_str().unwrap(), "pretrained"] {
        let out = format!("tagger-{model}");
        place
            .run(&format!("finetune --task ner --model {model} --train train.conll --dev train.conll --out {out} --set max_length=16"))
            .ok();
        let scores = json(&place.run(&format!("evaluate --model {out} --data train.conll --json")).ok());
        assert!(scores["score"].as_f64().is_some_and(|s| (0.0..=1.0).contains(&s)), "{scores}");
        assert_eq!(scores["documents"], 2);
        assert!(scores["leaks"].as_array().is_some_and(|l| !l.is_empty()), "evaluation on training data is reported");
    }
}

#[test]
fn samples_are_drawn_and_models_compared() {
    let place = Place::new();
    place.model("base");
    let drawn =
        place.run("eval fewshot-sample --task ner --data train.conll --k 1,2 --draws 2 --seed 5 --out few").ok();
    assert_eq!(drawn.lines().count(), 4, "{drawn}");
    assert!(drawn.contains("few/k2-draw1.conll  documents with Disease 1, Drug 1"), "{drawn}");
    assert_eq!(std::fs::read_to_string(place.path("few/k2-draw2.conll")).unwrap(), common::CONLL);
    let again = "eval fewshot-sample --task ner --data train.conll --k 3 --out more";
    place.run(again).fails_with(&["k: found 3", "expected 1 to 2, the documents of train.conll"]);

    for seed in 1..3 {
        let settings = format!("--set max_length=16 --set epochs=1 --set seed={seed}");
        place
            .run(&format!(
                "finetune --task ner --model base --train few/k2-draw1.conll --dev train.conll --out m{seed} {settings}"
            ))
            .ok();
        let printed =
            place.run(&format!("evaluate --model m{seed} --data train.conll --json --predictions p{seed}.jsonl")).ok();
        place.write(&format!("e{seed}.json"), printed);
        let predictions = std::fs::read_to_string(place.path(&format!("p{seed}.jsonl"))).unwrap();
        let first: Value = json(predictions.lines().next().unwrap());
        assert_eq!(first["entities"], serde_json::json!([{ "start": 0, "end": 10, "label": "Drug" }]));
        assert!(first["predicted"].is_array() && first["text"] == "salbutamol helps", "{first}");
    }
    let same = json(&place.run("eval compare --a e1.json e2.json --b e1.json e2.json --resamples 100 --json").ok());
    assert_eq!((&same["p"], &same["difference"]["value"]), (&1.0.into(), &0.0.into()));
    let printed = place.run("eval compare --a e1.json --b e2.json --resamples 100").ok();
    assert!(
        printed.contains("strict entity F1, 1 run(s) of each, 2 documents") && printed.contains("A - B"),
        "{printed}"
    );
    place.run("eval compare --a e1.json e2.json --b e1.json").fails_with(&["2 runs of A, 1 of B"]);
    let other = place.run("evaluate --model m1 --data few/k1-draw1.conll --json").ok();
    place.write("other.json", other);
    place.run("eval compare --a e1.json --b other.json").fails_with(&["other.json", "train.conll", "the same file"]);
}

#[test]
fn leaks_between_data_sets_and_a_corpus_are_named() {
    let place = Place::new();
    place.knowledge();
    let corpus = "corpus build --kb kb --text en=en.jsonl --text zh=zh.jsonl --levels entity --seed 3 --out corpus";
    place.run(corpus).ok();
    place.model("base");
    let words =
        ["asthma", "the", "of", "gene", "pain", "cells", "in", "patients", "fever", "high", "dose", "and", "or"];
    let sentence = |i: usize| {
        let word =
            |k: usize| format!("{} {}", words[((i * 2_654_435_761) >> (k + 3)) % words.len()], i + 1000 * (k / 4));
        format!("{} n{i}", (0..14).map(word).collect::<Vec<_>>().join(" "))
    };
    let rows = |range: std::ops::Range<usize>, prefix: &str| -> String {
        range.map(|i| format!("{{\"id\":\"{prefix}{i}\",\"text\":\"{}\",\"label\":\"1\"}}\n", sentence(i))).collect()
    };
    let leaked = "{\"id\":\"en-2\",\"text\":\"Children with asthma were given salbutamol twice a day. Children with asthma were cured.\",\"label\":\"0\"}\n";
    place.write("test.jsonl", rows(0..40, "a") + leaked);
    place.write("dev.jsonl", rows(35..75, "a"));
    place.write("train.jsonl", rows(100..140, "b"));
    let data = "--data test=test.jsonl dev=dev.jsonl train=train.jsonl";
    let report = json(&place.run(&format!("eval leaks {data} --corpus corpus --model base --json")).ok());
    let pair = |of: &str, with: &str| {
        let pairs = report["pairs"].as_array().unwrap();
        pairs.iter().find(|p| p["of"] == of && p["with"] == with).unwrap().clone()
    };
    let dev = pair("test", "dev");
    assert_eq!((&dev["same_id"], &dev["same_text"], &dev["shared"]), (&5.into(), &5.into(), &5.into()), "{dev}");
    assert!(dev["near"].as_u64() >= Some(5), "{dev}");
    assert_eq!(dev["examples"][0]["by"], "text");
    let train = pair("test", "train");
    assert_eq!(
        (&train["same_id"], &train["same_text"], &train["shared"]),
        (&0.into(), &0.into(), &0.into()),
        "{train}"
    );
    let corpus = pair("test", "corpus");
    assert_eq!(
        (&corpus["same_id"], &corpus["shared"], &corpus["same_text"]),
        (&1.into(), &1.into(), &0.into()),
        "{corpus}"
    );
    assert_eq!(corpus["near"], Value::Null, "too few texts of the corpus to tell what they have in common");
    assert_eq!(pair("train", "corpus")["shared"], 0);

    place.write("en.jsonl", rows(0..35, "c") + &rows(200..205, "c"));
    place.run("corpus build --kb kb --text en=en.jsonl --levels plain --seed 3 --out plain").ok();
    let report = json(&place.run("eval leaks --data test=test.jsonl --corpus plain --model base --json").ok());
    let corpus = &report["pairs"][0];
    assert_eq!((&corpus["same_id"], &corpus["same_text"]), (&0.into(), &35.into()), "{corpus}");
    assert!(corpus["near"].as_u64() >= Some(20), "{corpus}");

    let printed = place.run(&format!("eval leaks {data} --corpus corpus")).ok();
    for part in ["test in corpus", "equal text", "en-2: Children with asthma", "13 consecutive words"] {
        assert!(printed.contains(part), "`{part}` is not in: {printed}");
    }
    assert!(!printed.contains("cosine"), "{printed}");
    place.run("eval leaks --data test=none.jsonl").fails_with(&["none.jsonl"]);
    place.run(&format!("eval leaks {data} --words 0")).fails_with(&["words", "at least 1"]);
    assert_eq!(place.run("eval leaks --data test.jsonl").code, Some(2));
}

#[test]
fn every_command_explains_itself() {
    let place = Place::new();
    for command in [
        "",
        "demo",
        "knowledge build",
        "knowledge stats",
        "knowledge lookup",
        "knowledge match",
        "corpus build",
        "corpus stats",
        "corpus show",
        "model trim",
        "model info",
        "pretrain",
        "runs plot",
        "finetune",
        "evaluate",
        "eval fewshot-sample",
        "eval leaks",
        "eval compare",
        "experiment run",
    ] {
        let help = place.run(&format!("{command} --help")).ok();
        assert!(help.contains("Usage: kbioxlm"), "{help}");
    }
}
