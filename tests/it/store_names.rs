//! Names as path parts over 10^6 random names: injective also for who folds case, reversible, harmless.

use std::collections::HashMap;

use hftcol::store::{NameKind, Unescaped, escape, unescape};

use crate::promises::counted;

/// A xorshift generator.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).unwrap()
    }

    fn name(&mut self) -> String {
        let alphabets: [&[char]; 5] = [
            &['A', 'a', 'B', 'b', '/', '%', '.', '-', '2', 'F', 'f'],
            &['A', 'B', 'C', '0', '1', '_', '-', '.'],
            &['a', 'z', '9', '_', '-', '.', ':'],
            &['\0', '\n', '\u{1b}', ' ', '=', '\\', '%', '\u{7f}', '~'],
            &['\u{ed55}', '\u{e9}', '\u{301}', '\u{1f600}', 'K', '\u{212a}', '.'],
        ];
        let alphabet = alphabets[self.below(alphabets.len())];
        let longest = [3, 8, 30, 128][self.below(4)];
        let mut name = String::new();
        for _ in 0..self.below(longest + 1) {
            let c = alphabet[self.below(alphabet.len())];
            if name.len() + c.len_utf8() <= 128 {
                name.push(c);
            }
        }
        name
    }
}

#[test]
fn random_names_make_harmless_distinct_parts() {
    let (mut distinct, mut names) = (0, 0);
    for (kind, seed) in [(NameKind::Venue, 1), (NameKind::Security, 2)] {
        let mut random = Random(0x9E37_79B9_7F4A_7C15 ^ seed);
        let mut seen: HashMap<String, String> = HashMap::new();
        for _ in 0..500_000 {
            names += 1;
            let name = random.name();
            let part = escape(kind, &name);
            assert!((1..=200).contains(&part.len()), "{name:?}");
            assert!(!part.contains(['/', '\0', '\\', '\n', ' ', '=']) && part.is_ascii(), "{name:?} -> {part}");
            assert!(!part.starts_with(['.', '-']) && part != "..", "{name:?} -> {part}");
            match unescape(kind, &part).unwrap() {
                Unescaped::Name(back) => assert_eq!(back, name),
                Unescaped::Cut => assert!(part.len() > 198 - 3 && name.len() > 66, "{name:?} -> {part}"),
            }
            // Two names that a case-blind file system would put into one folder.
            if let Some(other) = seen.insert(part.to_lowercase(), name.clone()) {
                assert_eq!(other, name, "{part}");
            }
        }
        distinct += seen.len();
    }
    assert!(distinct > 500_000, "the names are too much alike: {distinct}");
    counted("store_names::random_names_make_harmless_distinct_parts", &[names]);
}
