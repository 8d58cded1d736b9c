//! Is an "English" name only the reading of a Chinese one?
//!
//! Chinese names that are made of English ones sound alike (他莫昔芬, tāmòxīfēn, is tamoxifen), and some Chinese names are English
//! words (Wuhan). So a single plain word is left alone; what is taken for a reading shows it, by words of a syllable or two,
//! tone marks or digits.

use pinyin::ToPinyinMulti;
use unicode_normalization::UnicodeNormalization;

/// A reading of fewer Chinese characters than this may be a word by chance.
const FEWEST: usize = 2;
/// Longer names are descriptions.
const LONGEST: usize = 256;

/// Compares English names with the readings of Chinese ones; its buffers are kept from one to the next.
#[derive(Default)]
pub(super) struct Pinyin {
    latin: Vec<u8>,
    /// Up to where in the Latin name a reading of the Chinese one so far may come.
    reached: Vec<bool>,
    next: Vec<bool>,
}

impl Pinyin {
    /// Does `latin` spell out how `chinese` is read? Tones (as marks or digits), spaces, case, and how ü is written do
    /// not matter; of characters with several readings, each is tried.
    pub fn spells(&mut self, latin: &str, chinese: &str) -> bool {
        if latin.len() > LONGEST || chinese.len() > LONGEST || !shows_syllables(latin) {
            return false;
        }
        self.latin.clear();
        // Decomposed, the tone marks and the dots of ü fall away.
        self.latin.extend(latin.nfkd().filter(char::is_ascii_alphanumeric).map(plain));
        let end = self.latin.len();
        self.reached.clear();
        self.reached.resize(end + 1, false);
        self.reached[0] = true;
        let mut read = 0;
        for c in chinese.chars() {
            self.next.clear();
            self.next.resize(end + 1, false);
            if let Some(readings) = c.to_pinyin_multi() {
                read += 1;
                for reading in readings {
                    self.advance(reading.plain());
                }
            } else {
                let mut same = [c].into_iter().nfkd().filter(char::is_ascii_alphanumeric).map(plain).peekable();
                if same.peek().is_none() {
                    // Punctuation.
                    if c.is_alphanumeric() {
                        return false;
                    }
                    continue;
                }
                let same: Vec<u8> = same.collect();
                self.advance_bytes(|latin| latin.starts_with(&same).then_some(same.len()));
            }
            std::mem::swap(&mut self.reached, &mut self.next);
            if !self.reached.contains(&true) {
                return false;
            }
        }
        read >= FEWEST && self.reached[end]
    }

    fn advance(&mut self, reading: &str) {
        let mut syllable = [0_u8; 8];
        let mut length = 0;
        for c in reading.chars() {
            let Some(place) = syllable.get_mut(length) else { return };
            *place = if c == 'ü' { b'u' } else { plain(c) };
            length += 1;
        }
        let syllable = &syllable[..length];
        self.advance_bytes(|latin| latin.starts_with(syllable).then_some(length));
    }

    fn advance_bytes(&mut self, read: impl Fn(&[u8]) -> Option<usize>) {
        for at in 0..self.latin.len() {
            if !self.reached[at] {
                continue;
            }
            if let Some(length) = read(&self.latin[at..]) {
                self.next[at + length] = true;
                // The digit of a tone.
                if self.latin.get(at + length).is_some_and(|d| (b'0'..=b'5').contains(d)) {
                    self.next[at + length + 1] = true;
                }
            }
        }
    }
}

/// Is there anything between the letters of a name, or on them?
fn shows_syllables(name: &str) -> bool {
    let mut letters = name.trim().nfkc();
    letters.any(|c| !c.is_ascii_alphabetic())
}

/// A character in lower case; `v`, which no reading has, stands for ü.
fn plain(c: char) -> u8 {
    match c.to_ascii_lowercase() {
        'v' => b'u',
        c => u8::try_from(c).unwrap_or(b'?'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_are_recognised() {
        let mut pinyin = Pinyin::default();
        for (latin, chinese) in [
            ("Gan mao", "感冒"),
            ("gǎnmào", "感冒"),
            ("Gan3mao4", "感冒"),
            ("FUFANG GANCAO PIAN", "复方甘草片"),
            ("Nü'er", "女儿"),
            ("nv er", "女儿"),
            ("Lv Cha", "绿茶"),
            ("Xi'an", "西安"),
            // Several readings: 重 zhòng, chóng; 行 xíng, háng.
            ("Chong fu", "重复"),
            ("zhong-liang", "重量"),
            ("Weishengsu B12 Pian", "维生素B12片"),
            ("Fufang Danshen Diwan", "复方丹参滴丸"),
            ("liuwei dihuang (wan)", "六味地黄丸"),
            ("Ｇａｎ ｍａｏ", "感冒"),
        ] {
            assert!(pinyin.spells(latin, chinese), "{latin} {chinese}");
        }
    }

    #[test]
    fn names_are_not() {
        let mut pinyin = Pinyin::default();
        for (latin, chinese) in [
            ("Cold", "感冒"),
            ("Gan ma", "感冒"),
            ("Gan maoa", "感冒"),
            ("tamoxifen", "他莫昔芬"),
            ("Wuhan", "武汉"),
            ("Ｗｕｈａｎ", "武汉"),
            ("Compound Gancao Pian", "复方甘草片"),
            ("Li", "锂"),
            ("", "感冒"),
            ("", ""),
            ("Gan mao", ""),
            ("HIV", "HIV"),
            ("gan mao β", "感冒の"),
        ] {
            assert!(!pinyin.spells(latin, chinese), "{latin} {chinese}");
        }
    }
}
