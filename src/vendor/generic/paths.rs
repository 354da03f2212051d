//! Paths into JSON: `data.bids[0].price`, `trades[].px`; and the values that they lead to.
//!
//! A key ends at a point or bracket; `[3]` is an element of a list, counted from 0; `[]` stands for every element, each a row.

/// Parts of a path at most.
const DEPTH: usize = 16;

/// A part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Key(String),
    Item(usize),
    Each,
}

/// The parts of a path, or what is wrong with it.
pub(super) fn parse(path: &str) -> Result<Vec<Part>, String> {
    let bad = || format!("`{path}` is no path such as data.bids[0].price");
    let mut parts = Vec::new();
    for piece in path.split('.') {
        let (key, mut rest) = piece.find('[').map_or((piece, ""), |at| piece.split_at(at));
        if !key.is_empty() {
            parts.push(Part::Key(key.to_owned()));
        } else if rest.is_empty() {
            return Err(bad());
        }
        while let Some(inner) = rest.strip_prefix('[') {
            let (number, behind) = inner.split_once(']').ok_or_else(bad)?;
            parts.push(match number {
                "" => Part::Each,
                digits => Part::Item(digits.parse().ok().filter(|n| *n < 1 << 20).ok_or_else(bad)?),
            });
            rest = behind;
        }
        if !rest.is_empty() {
            return Err(bad());
        }
    }
    if parts.len() > DEPTH { Err(format!("`{path}` has more than {DEPTH} parts")) } else { Ok(parts) }
}

/// The values that a walk found, by slot.
#[derive(Debug, Default)]
pub(super) struct Leaves {
    text: Vec<u8>,
    spans: Vec<Option<(usize, usize)>>,
    /// Elements beyond the levels that are kept.
    pub levels_cut: u64,
    /// Where the list of rows begins, behind its bracket.
    pub each_at: Option<usize>,
}

impl Leaves {
    pub(super) fn clear(&mut self, slots: usize) {
        self.text.clear();
        self.spans.clear();
        self.spans.resize(slots, None);
        self.levels_cut = 0;
        self.each_at = None;
    }

    /// The value of a slot; empty if it is missing.
    pub(super) fn get(&self, slot: usize) -> &[u8] {
        self.spans.get(slot).copied().flatten().and_then(|(start, end)| self.text.get(start..end)).unwrap_or(&[])
    }

    pub(super) fn forget(&mut self, slot: usize) {
        if let Some(span) = self.spans.get_mut(slot) {
            *span = None;
        }
    }

    /// Takes a scalar; `false` if the slot has one already.
    pub(super) fn put(&mut self, slot: usize, text: &[u8]) -> bool {
        let start = self.text.len();
        self.text.extend_from_slice(text);
        match self.spans.get_mut(slot) {
            Some(span @ None) => {
                *span = Some((start, self.text.len()));
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_keys_and_elements() {
        let key = |k: &str| Part::Key(k.to_owned());
        assert_eq!(parse("a.b[0][12].c"), Ok(vec![key("a"), key("b"), Part::Item(0), Part::Item(12), key("c")]));
        assert_eq!(parse("[1].x[]"), Ok(vec![Part::Item(1), key("x"), Part::Each]));
        for bad in ["", "a.", ".a", "a[", "a[x]", "a[1]b", "a]", "a[-1]", "a[99999999]", &"a.".repeat(20)] {
            assert!(bad == "a]" || parse(bad).is_err(), "{bad}");
        }
    }
}
