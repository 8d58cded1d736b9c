//! Writes a lexicon of any size, for measuring at the scale of the UMLS without its licence.
//!
//! `cargo run --release -p kbioxlm-knowledge --example synthetic_lexicon -- 5000000 FILE`
//!
//! The terms are made up, their statistics are not: English names of 1 to 9 words, 38 characters in the mean, whose words
//! follow Zipf's law (the most frequent are real words, the others are put together from the roots and endings that
//! medical words are made of, so that running text meets beginnings of names all the time); Chinese names of 2 to 20
//! characters; several names a concept; a few abbreviations. The same arguments give the same bytes.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

const WORDS: &str = "of left right disease syndrome structure acute chronic disorder cell artery bone type entire product \
    skin muscle nerve lower upper with and deficiency primary joint vein congenital malignant tumor neoplasm infection \
    carcinoma injury fracture protein receptor human tablet oral acid sodium chloride injection factor alpha beta gene \
    region lung liver kidney heart brain blood tissue system function abnormality hereditary familial severe mild \
    secondary juvenile adult onset due to specified unspecified other without complication open closed fever pain \
    hypertension diabetes mellitus anemia asthma pneumonia hepatitis fibrosis cancer leukemia lymphoma virus vaccine \
    antibody antigen enzyme kinase inhibitor therapy procedure examination measurement level serum plasma urine test \
    finding history risk neck hand foot finger toe knee hip shoulder spine lumbar cervical thoracic abdominal pelvic \
    renal hepatic cardiac pulmonary cerebral spinal optic retinal ocular dental gastric intestinal vascular arterial \
    venous stenosis occlusion aneurysm ischemia infarction failure insufficiency hemorrhage edema atrophy hypertrophy \
    dysplasia aplasia hypoplasia stage grade recurrent progressive benign idiopathic autoimmune allergic viral bacterial \
    fungal parasitic drug toxic reaction dose extract oil water glucose insulin calcium potassium iron vitamin hormone";
const ROOTS: &str = "cardi hepat nephr neur oste derm gastr enter pulmon pneum hem angi arthr my encephal crani cerebr \
    ophthalm rhin lith aden chondr cyst col cholecyst hyster mast thyr thromb lymph leuk erythr immun path psych ren \
    splen spondyl tend trache vas ven gloss gingiv kerat lapar metr onych orch phleb pleur proct pyel salping sial \
    steat stomat tympan ureter vesic xanth melan cyan chlor brom fluor meth eth prop but pent benz phen sulf thi az \
    imid pyr tri tetr ox amin carb nitr phosph glyc lip prote pept nucle rib gluc fruct lact galact mann";
const PREFIXES: &str = "a an anti auto bi brady contra dys endo epi ex hemi hetero homo hyper hypo inter intra iso macro \
    mega meso meta micro mono multi neo oligo pan para per peri poly post pre pseudo retro semi sub super supra syn tachy \
    trans ultra uni";
const SUFFIXES: &str = "itis osis oma pathy ectomy otomy ostomy algia emia uria ology oscopy ogram ography plasty plegia \
    rrhea sclerosis trophy megaly lysis genesis penia philia phobia ptosis spasm stasis ine ate ide ol one ane ene ic al \
    ous ase in azole cillin mycin vir mab nib pril sartan statin olol idine oxacin";
const HAN: &str = "病症炎性肿瘤癌综合征急慢先天遗传血管心肝肾肺脑胃肠骨关节肌肉神经皮肤淋巴细胞蛋白基因受体酶抑制剂片胶囊注射液颗粒口服\
    钠钾钙铁锌镁氯酸盐糖尿高低压缺乏障碍衰竭梗死出血水栓塞狭窄扩张畸形发育不良萎缩增生肥大硬化坏死感染细菌病毒真菌寄生虫结核炎症过敏\
    免疫自身原发继转移恶良右左上下前后内外侧双单多部位区域功能异常减退亢进疼痛痉挛麻痹瘫痪震颤眩晕耳聋失明视网膜角白障青光眼鼻咽喉扁桃体\
    甲状腺胰岛垂体卵巢子宫颈乳房前列睾丸膀胱输管道食十二指直结阑尾胆囊脾腹股沟疝气胸腔积脓肿溃疡穿孔裂伤骨折脱位扭挫烧烫冻中毒药物反应治疗术";
const TYPES: [&str; 6] = [
    "Disease or Syndrome",
    "Pharmacologic Substance",
    "Finding",
    "Body Part",
    "Therapeutic Procedure",
    "Gene or Genome",
];
/// Distinct English words; as in the UMLS, most occur in a few names only.
const VOCABULARY: usize = 300_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [terms, path] = arguments.as_slice() else {
        return Err("expected two arguments: the number of terms and the file to write".into());
    };
    let terms = terms.parse().map_err(|_| format!("found `{terms}`, expected the number of terms"))?;
    Ok(write(terms, Path::new(path))?)
}

/// Writes a lexicon of so many terms.
pub fn write(terms: usize, path: &Path) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    writeln!(out, "concept_id\tlang\tterm\tpreferred\tsemantic_type\tflags")?;
    let mut maker = Maker::new();
    let (mut written, mut concept) = (0, 0_u32);
    while written < terms {
        concept += 1;
        let semantic_type = TYPES[maker.random.zipf(TYPES.len())];
        // Two English names a concept in the mean and, of three concepts in four, a Chinese one or two.
        let english = 1 + maker.random.zipf(5);
        let chinese = [0, 1, 1, 2][maker.random.below(4)];
        let languages = std::iter::repeat_n("en", english).chain(std::iter::repeat_n("zh", chinese));
        let mut former = "";
        for lang in languages.take(terms - written) {
            let (text, flags) = if lang == "zh" { (maker.chinese(), "") } else { maker.english() };
            let preferred = u8::from(lang != former);
            writeln!(out, "SYN:C{concept:07}\t{lang}\t{text}\t{preferred}\t{semantic_type}\t{flags}")?;
            former = lang;
            written += 1;
        }
    }
    out.flush()
}

/// SplitMix64: small, and the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// A rank below `n`; the rank r comes about as often as 1 / (r + 1) says.
    fn zipf(&mut self, n: usize) -> usize {
        (((n + 1) as f64).powf(self.unit()) as usize - 1).min(n - 1)
    }
}

struct Maker {
    random: Random,
    words: Vec<String>,
    han: Vec<char>,
}

impl Maker {
    fn new() -> Self {
        let mut random = Random(1);
        let mut words: Vec<String> = WORDS.split_whitespace().map(str::to_owned).collect();
        let [prefixes, roots, suffixes] =
            [PREFIXES, ROOTS, SUFFIXES].map(|list| list.split_whitespace().collect::<Vec<_>>());
        words.resize_with(VOCABULARY, || {
            let mut word = String::new();
            if random.below(3) == 0 {
                word.push_str(prefixes[random.below(prefixes.len())]);
            }
            word.push_str(roots[random.below(roots.len())]);
            if random.below(4) == 0 {
                word.push('o');
                word.push_str(roots[random.below(roots.len())]);
            }
            word.push_str(suffixes[random.below(suffixes.len())]);
            word
        });
        Self { random, words, han: HAN.chars().filter(|c| !c.is_whitespace()).collect() }
    }

    /// A name and its flags.
    fn english(&mut self) -> (String, &'static str) {
        if self.random.below(40) == 0 {
            let letters = 3 + self.random.below(4);
            return ((0..letters).map(|_| char::from(b'A' + self.random.below(26) as u8)).collect(), "abbreviation");
        }
        // Most names have two to four words.
        let count = 1 + self.random.below(2) + self.random.zipf(8);
        let mut name = String::new();
        for position in 0..count {
            if position > 0 {
                name.push(' ');
            }
            // A word alone is a rare one: frequent words are no names.
            let word =
                if count == 1 { 150 + self.random.below(VOCABULARY - 150) } else { self.random.zipf(VOCABULARY) };
            name.push_str(&self.words[word]);
            // A number or a code is part of one name in a few.
            match self.random.below(24) {
                0 => name.push_str(&format!(" {}", self.random.below(200))),
                1 => name.push_str(&format!("-{}", self.random.below(20))),
                _ => {}
            }
        }
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        (name, "")
    }

    fn chinese(&mut self) -> String {
        let length = 2 + self.random.below(4) + self.random.zipf(14);
        (0..length).map(|_| self.han[self.random.zipf(self.han.len())]).collect()
    }
}
