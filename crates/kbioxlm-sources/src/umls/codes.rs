//! What the codes in `MRCONSO.RRF` mean.

/// Codes of languages (LAT) and their tags.
pub(super) const LANGUAGES: [(&str, &str); 30] = [
    ("ARA", "ar"),
    ("BAQ", "eu"),
    ("CHI", "zh"),
    ("CZE", "cs"),
    ("DAN", "da"),
    ("DUT", "nl"),
    ("ENG", "en"),
    ("EST", "et"),
    ("FIN", "fi"),
    ("FRE", "fr"),
    ("GER", "de"),
    ("GRE", "el"),
    ("HEB", "he"),
    ("HUN", "hu"),
    ("ITA", "it"),
    ("JPN", "ja"),
    ("KOR", "ko"),
    ("LAV", "lv"),
    ("LIT", "lt"),
    ("NOR", "no"),
    ("POL", "pl"),
    ("POR", "pt"),
    ("RUS", "ru"),
    ("SCR", "hr"),
    ("SLO", "sk"),
    ("SLV", "sl"),
    ("SPA", "es"),
    ("SWE", "sv"),
    ("TUR", "tr"),
    ("UKR", "uk"),
];

/// The tag of a language.
pub(super) fn language(lat: &str) -> Option<&'static str> {
    LANGUAGES.iter().find(|(code, _)| *code == lat).map(|(_, tag)| *tag)
}

/// Flags that term types give, as bits in this order.
pub(super) const FLAGS: [&str; 6] =
    ["abbreviation", "brand_or_alt", "dosage_form", "layperson", "uk_spelling", "variant_or_misspelling"];
pub(super) const ABBREVIATION: u8 = 1;
const BRAND: u8 = 1 << 1;
const DOSAGE_FORM: u8 = 1 << 2;
const LAYPERSON: u8 = 1 << 3;
const UK: u8 = 1 << 4;
const VARIANT: u8 = 1 << 5;

/// What vocabulary and term type say about a name, as bits of [`FLAGS`].
pub(super) fn flags(sab: &str, tty: &str) -> u8 {
    // The consumer health vocabulary has the words of patients, also wrong ones.
    let layperson = if sab == "CHV" { LAYPERSON } else { 0 };
    let of_type = match tty.strip_prefix("MTH_").unwrap_or(tty) {
        // Abbreviation, acronym, attribute's, qualifier's, obsolete ones, short names of vocabularies.
        "AB" | "ACR" | "AA" | "QAB" | "OA" | "RAB" | "VAB" => ABBREVIATION,
        // Brand names and packs of them, foreign brands, branded drugs and their components.
        "BN" | "FBN" | "BD" | "BPCK" | "SBD" | "SBDC" | "SBDF" | "SBDG" => BRAND,
        "DF" | "DFG" => DOSAGE_FORM,
        "CMN" => LAYPERSON,
        "PTGB" | "SYGB" | "FNGB" => UK,
        // Words permuted by machine, forms for sorting and for columns of print, readings in kana, capitals that warn.
        "PM" | "DSV" | "QSV" | "DEV" | "QEV" | "PTJKN" | "LLTJKN" | "PTJKN1" | "LLTJKN1" | "TMSY" => VARIANT,
        _ => 0,
    };
    layperson | of_type
}

/// The id in another vocabulary that a name's code is, if the name is the code's own main name: synonyms may stand for something
/// narrower than what their code means (entry terms of MeSH do).
pub(super) fn xref<'a>(sab: &str, tty: &str, code: &'a str) -> Option<(&'static str, &'a str)> {
    let tty = tty.strip_prefix("MTH_").unwrap_or(tty);
    let prefix = match (sab, tty) {
        // The translations are named MSHSPA, MSHFRE ...
        (_, "MH" | "NM" | "TQ") if sab.starts_with("MSH") => "MESH",
        ("SNOMEDCT_US" | "SCTSPA", "PT" | "FN") => "SNOMED",
        ("HPO", "PT") => "HP",
        ("OMIM", "PT") => "OMIM",
        ("NCI", "PT") => "NCIT",
        ("ICD10", "PT" | "HT") => "ICD10",
        ("ICD10CM", "PT" | "HT") => "ICD10CM",
        ("ICD9CM", "PT" | "HT") => "ICD9CM",
        ("ORPHANET", "PT") => "ORPHA",
        ("DRUGBANK", "IN") => "DRUGBANK",
        ("RXNORM", "IN" | "PIN" | "MIN" | "BN" | "SCD" | "SBD" | "SCDC" | "SCDF" | "DF") => "RXNORM",
        ("ATC", "PT" | "IN" | "RXN_PT" | "RXN_IN") => "ATC",
        ("MTHSPL", "SU") => "UNII",
        ("GO", "PT") => "GO",
        ("HGNC", "PT" | "ACR") => "HGNC",
        ("FMA", "PT") => "FMA",
        ("NCBI", "SCN") => "NCBITAXON",
        ("MDR", "PT" | "LLT" | "HT" | "HG" | "OS") => "MEDDRA",
        ("LNC", "LN" | "LPN") => "LOINC",
        _ => return None,
    };
    // Some vocabularies repeat their own prefix in the code.
    let local = code.split_once(':').map_or(code, |(_, local)| local);
    let well_formed = local.len() <= 64 && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    // `MTHU…` and `NOCODE` are the UMLS's own where the vocabulary has none.
    let own = local.starts_with("MTHU") || local == "NOCODE";
    (!local.is_empty() && well_formed && !own).then_some((prefix, local))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_main_names_give_ids() {
        assert_eq!(xref("MSH", "MH", "D006973"), Some(("MESH", "D006973")));
        assert_eq!(xref("MSHSPA", "MH", "D006973"), Some(("MESH", "D006973")));
        assert_eq!(xref("MSH", "ET", "D006973"), None, "an entry term may be narrower than its heading");
        assert_eq!(xref("HPO", "PT", "HP:0000822"), Some(("HP", "0000822")));
        assert_eq!(xref("SNOMEDCT_US", "PT", "38341003"), Some(("SNOMED", "38341003")));
        assert_eq!(xref("OMIM", "PT", "MTHU000012"), None);
        assert_eq!(xref("NCI", "PT", "NOCODE"), None);
        assert_eq!(xref("ICD10", "PT", "I10 |x"), None);
        assert_eq!(xref("CHV", "PT", "0000006342"), None, "a vocabulary nobody else refers to");
    }

    #[test]
    fn term_types_give_flags() {
        assert_eq!(flags("MTH", "ACR"), ABBREVIATION);
        assert_eq!(flags("SNOMEDCT_US", "MTH_PTGB"), UK);
        assert_eq!(flags("CHV", "SY"), LAYPERSON);
        assert_eq!(flags("MSH", "PM"), VARIANT);
        assert_eq!(flags("RXNORM", "BN"), BRAND);
        assert_eq!(flags("MSH", "MH"), 0);
    }
}
