//! The language of a text: as a file declares it, or as it is detected.

/// What a language is told by, in bytes: a few lines where they suffice, else so much that a book costs no more than an abstract.
const SAMPLES: [usize; 2] = [400, 2000];

/// Tags of ISO 639-1 with the codes of three letters that mean the same: ISO 639-3, and where they differ those of libraries (ISO 639-2/B).
const CODES: [(&str, &str); 81] = [
    ("af", "afr"),
    ("ak", "aka"),
    ("am", "amh"),
    ("ar", "ara"),
    ("az", "aze"),
    ("be", "bel"),
    ("bg", "bul"),
    ("bn", "ben"),
    ("bs", "bos"),
    ("ca", "cat"),
    ("cs", "ces cze"),
    ("cy", "cym wel"),
    ("da", "dan"),
    ("de", "deu ger"),
    ("el", "ell gre"),
    ("en", "eng"),
    ("eo", "epo"),
    ("es", "spa"),
    ("et", "est"),
    ("eu", "eus baq"),
    ("fa", "fas per pes"),
    ("fi", "fin"),
    ("fr", "fra fre"),
    ("ga", "gle"),
    ("gl", "glg"),
    ("gu", "guj"),
    ("he", "heb"),
    ("hi", "hin"),
    ("hr", "hrv scr"),
    ("hu", "hun"),
    ("hy", "hye arm"),
    ("id", "ind"),
    ("is", "isl ice"),
    ("it", "ita"),
    ("ja", "jpn"),
    ("jv", "jav"),
    ("ka", "kat geo"),
    ("kk", "kaz"),
    ("km", "khm"),
    ("kn", "kan"),
    ("ko", "kor"),
    ("la", "lat"),
    ("lt", "lit"),
    ("lv", "lav"),
    ("mk", "mkd mac"),
    ("ml", "mal"),
    ("mn", "mon"),
    ("mr", "mar"),
    ("ms", "msa may"),
    ("my", "mya bur"),
    ("ne", "nep"),
    ("nl", "nld dut"),
    ("no", "nor nob nno"),
    ("or", "ori"),
    ("pa", "pan"),
    ("pl", "pol"),
    ("pt", "por"),
    ("ro", "ron rum"),
    ("ru", "rus"),
    ("si", "sin"),
    ("sk", "slk slo"),
    ("sl", "slv"),
    ("sn", "sna"),
    ("sq", "sqi alb"),
    ("sr", "srp scc"),
    ("sv", "swe"),
    ("sw", "swa"),
    ("ta", "tam"),
    ("te", "tel"),
    ("th", "tha"),
    ("tk", "tuk"),
    ("tl", "tgl"),
    ("tr", "tur"),
    ("uk", "ukr"),
    ("ur", "urd"),
    ("uz", "uzb"),
    ("vi", "vie"),
    ("yi", "yid"),
    ("zh", "zho chi cmn"),
    ("zu", "zul"),
    // Codes that say that there is none: several languages, none determined.
    ("", "mul und zxx"),
];

/// The tag for the language that a document declares: `eng`, `EN` and `en-US` are `en`; traditional Chinese (`zh-TW`) is `zh-Hant`.
/// A code that is not known stays as it is.
pub(crate) fn tag(declared: &str) -> Option<String> {
    let declared = declared.trim().to_ascii_lowercase();
    let mut parts = declared.split(['-', '_']);
    let language = parts.next().unwrap_or_default();
    let known = CODES.iter().find(|(_, codes)| codes.split(' ').any(|code| code == language)).map(|(tag, _)| *tag);
    let tag = known.unwrap_or(language);
    if tag == "zh" && parts.any(|part| matches!(part, "hant" | "tw" | "hk" | "mo")) {
        return Some("zh-Hant".to_owned());
    }
    (!tag.is_empty()).then(|| tag.to_owned())
}

/// The tag of the language that a text is written in, if it can be told with certainty. Takes some 50 µs.
pub fn detect(text: &str) -> Option<String> {
    let sample = |&bytes: &usize| text.get(..text.floor_char_boundary(bytes)).unwrap_or_default();
    let told = |sample| whatlang::detect(sample).filter(whatlang::Info::is_reliable);
    let info = SAMPLES.iter().map(sample).find_map(told)?;
    tag(info.lang().code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_languages_get_their_short_tags() {
        for (declared, expected) in [
            ("eng", "en"),
            ("EN", "en"),
            ("en_US", "en"),
            ("chi", "zh"),
            ("zh-CN", "zh"),
            ("zh-Hant-HK", "zh-Hant"),
            ("fre", "fr"),
            ("nds", "nds"),
        ] {
            assert_eq!(tag(declared).as_deref(), Some(expected));
        }
        assert_eq!(tag(" "), None);
        assert_eq!(tag("und"), None);
    }

    #[test]
    fn every_language_that_is_detected_has_a_tag_of_two_letters() {
        for lang in whatlang::Lang::all() {
            assert_eq!(tag(lang.code()).map(|tag| tag.len()), Some(2), "{lang:?}");
        }
    }

    #[test]
    fn languages_are_detected() {
        for (text, expected) in [
            ("Hypertension is a major risk factor for stroke, and patients should be treated early.", "en"),
            ("高血压是脑卒中的主要危险因素,应及早治疗,同时监测血压(mmHg)。", "zh"),
            ("高血圧は脳卒中の主な危険因子であり、早期に治療すべきである。", "ja"),
            (
                "Der Bluthochdruck ist ein wichtiger Risikofaktor für den Schlaganfall und soll früh behandelt werden.",
                "de",
            ),
            (
                "La hipertensión arterial es un factor de riesgo importante y los pacientes deben recibir tratamiento.",
                "es",
            ),
            (
                "L'hypertension artérielle est un facteur de risque majeur et les patients doivent être traités tôt.",
                "fr",
            ),
        ] {
            assert_eq!(detect(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(detect("0.5 mg"), None);
        assert_eq!(detect(""), None);
    }
}
