//! A tree of paths takes all values that matter from a record in one walk.
//!
//! Where a path goes on and a text stands, the text is read as JSON. Nesting that no path asks for is skipped without
//! recursion; the walk itself goes no deeper than the paths.

use super::paths::{Leaves, Part};
use crate::normalize::Fault;
use crate::parse::json::{Reader, Value};

/// Paths that share their beginnings.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    /// Takes the value, with the path for faults.
    slot: Option<(usize, String)>,
    keys: Vec<(String, usize)>,
    items: Vec<Option<usize>>,
    /// Elements from this number on are levels that are not kept.
    levels_end: Option<usize>,
    /// Its elements are rows.
    is_each: bool,
}

impl Default for Tree {
    fn default() -> Self {
        Self { nodes: vec![Node::default()] }
    }
}

impl Tree {
    /// Adds a path whose value goes into a slot.
    ///
    /// # Errors
    /// What is wrong: the path, or one that another path goes through, has a value already.
    pub(super) fn add(&mut self, parts: &[Part], slot: usize, path: &str) -> Result<(), String> {
        let end = self.node(parts);
        let node = &mut self.nodes[end];
        if node.slot.is_some() || !node.keys.is_empty() || !node.items.is_empty() {
            return Err(format!("`{path}` is a part of another path"));
        }
        node.slot = Some((slot, path.to_owned()));
        // A value on the way would hide what is behind it.
        let is_hidden = (0..parts.len()).any(|n| {
            let at = self.node(&parts[..n]);
            self.nodes[at].slot.is_some()
        });
        if is_hidden { Err(format!("another path is a part of `{path}`")) } else { Ok(()) }
    }

    /// Says that the elements of a list are levels and which are not kept.
    pub(super) fn end_levels(&mut self, list: &[Part], kept: usize) {
        let node = self.node(list);
        self.nodes[node].levels_end = Some(kept);
    }

    /// Says that the elements of a list are rows.
    pub(super) fn each(&mut self, list: &[Part]) {
        let node = self.node(list);
        self.nodes[node].is_each = true;
    }

    /// The node of a path, made if absent.
    fn node(&mut self, parts: &[Part]) -> usize {
        let mut at = 0;
        for part in parts {
            let new = self.nodes.len();
            let node = &mut self.nodes[at];
            let next = match part {
                Part::Key(key) => match node.keys.iter().find(|(known, _)| known == key) {
                    Some((_, next)) => *next,
                    None => {
                        node.keys.push((key.clone(), new));
                        new
                    }
                },
                Part::Item(number) => {
                    if node.items.len() <= *number {
                        node.items.resize(number + 1, None);
                    }
                    *node.items[*number].get_or_insert(new)
                }
                Part::Each => at,
            };
            if next == new {
                self.nodes.push(Node::default());
            }
            at = next;
        }
        at
    }

    /// Takes what the paths ask for from a value whose start was read.
    ///
    /// # Errors
    /// Where it is no JSON; a list or object where a path ends; a value that stands twice.
    pub(super) fn take<'t>(&self, reader: &mut Reader<'t>, value: Value<'t>, leaves: &mut Leaves) -> Result<(), Fault> {
        self.walk(0, reader, value, leaves, false)
    }

    /// As [`Tree::take`], of a text that holds JSON.
    ///
    /// # Errors
    /// As [`Tree::take`].
    pub(super) fn take_text(&self, text: &[u8], key: &str, leaves: &mut Leaves) -> Result<(), Fault> {
        let Some((_, node)) = self.nodes[0].keys.iter().find(|(known, _)| known == key) else { return Ok(()) };
        self.nested(*node, text, leaves)
    }

    fn walk<'t>(
        &self,
        at: usize,
        reader: &mut Reader<'t>,
        value: Value<'t>,
        leaves: &mut Leaves,
        is_nested: bool,
    ) -> Result<(), Fault> {
        let node = &self.nodes[at];
        if let Some((slot, path)) = &node.slot {
            let is_new = match value {
                Value::Null => leaves.put(*slot, b""),
                Value::Bool(true) => leaves.put(*slot, b"true"),
                Value::Bool(false) => leaves.put(*slot, b"false"),
                Value::Number(text) => leaves.put(*slot, text),
                Value::Text(text) => leaves.put(*slot, &text.bytes()),
                Value::Array | Value::Object => {
                    return Err(Fault::new(path.clone(), "one value, not a list or object"));
                }
            };
            return if is_new { Ok(()) } else { Err(Fault::new(path.clone(), "one value, not two of one name")) };
        }
        match value {
            Value::Object => {
                let mut first = true;
                while let Some(key) = reader.key(&mut first)? {
                    let key = key.bytes();
                    let next = node.keys.iter().find(|(known, _)| known.as_bytes() == &*key);
                    let value = reader.value()?;
                    match next {
                        Some((_, next)) => self.walk(*next, reader, value, leaves, is_nested)?,
                        None => reader.skip(value)?,
                    }
                }
            }
            Value::Array if node.is_each && is_nested => {
                return Err(Fault::new("", "rows in a list of the record itself, not of a text in it"));
            }
            Value::Array if node.is_each => {
                if leaves.each_at.replace(reader.offset()).is_some() {
                    return Err(Fault::new("", "one list of rows"));
                }
                reader.skip(value)?;
            }
            Value::Array => self.items(node, reader, leaves, is_nested)?,
            Value::Text(text) if !is_nested => return self.nested(at, &text.bytes(), leaves),
            _ => {}
        }
        Ok(())
    }

    fn items(&self, node: &Node, reader: &mut Reader<'_>, leaves: &mut Leaves, is_nested: bool) -> Result<(), Fault> {
        let mut first = true;
        let mut number = 0;
        while reader.element(&mut first)? {
            let value = reader.value()?;
            match node.items.get(number).copied().flatten() {
                Some(next) => self.walk(next, reader, value, leaves, is_nested)?,
                None => reader.skip(value)?,
            }
            leaves.levels_cut += u64::from(node.levels_end.is_some_and(|end| number >= end));
            number += 1;
        }
        Ok(())
    }

    /// A text that holds JSON, if it does.
    fn nested(&self, at: usize, text: &[u8], leaves: &mut Leaves) -> Result<(), Fault> {
        if !matches!(text.trim_ascii_start().first(), Some(b'{' | b'[')) {
            return Ok(());
        }
        let mut reader = Reader::new(text);
        let value = reader.value()?;
        self.walk(at, &mut reader, value, leaves, true)?;
        Ok(reader.end()?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::paths::parse;
    use super::*;

    fn take(paths: &[&str], text: &str) -> Result<Vec<String>, Fault> {
        let mut tree = Tree::default();
        for (slot, path) in paths.iter().enumerate() {
            tree.add(&parse(path).unwrap(), slot, path).unwrap();
        }
        let mut leaves = Leaves::default();
        leaves.clear(paths.len());
        let mut reader = Reader::new(text.as_bytes());
        let value = reader.value()?;
        tree.take(&mut reader, value, &mut leaves)?;
        reader.end()?;
        Ok((0..paths.len()).map(|slot| String::from_utf8(leaves.get(slot).to_vec()).unwrap()).collect())
    }

    #[test]
    fn values_are_taken_as_they_are_written() {
        let text = r#"{"x":{"y":[[1.50,"2"],[3]],"z":null,"y2":1},"t":"{\"in\":[true,1e-7]}","u":"a\n"}"#;
        let paths = ["x.y[0][0]", "x.y[0][1]", "x.y[1][0]", "x.y[1][1]", "x.z", "t.in[1]", "t.in[0]", "u", "no.such"];
        let found = take(&paths, text).unwrap();
        assert_eq!(found, ["1.50", "2", "3", "", "", "1e-7", "true", "a\n", ""]);
    }

    #[test]
    fn what_is_no_single_value_is_a_fault() {
        for (path, text, reason) in [
            ("x", r#"{"x":[1]}"#, "not a list"),
            ("x", r#"{"x":1,"x":2}"#, "not two"),
            ("x.y", r#"{"x":"{broken"}"#, "JSON"),
            ("x", r#"{"x":1"#, "JSON"),
        ] {
            assert!(take(&[path], text).unwrap_err().reason().contains(reason), "{text}");
        }
        // A text that is no JSON has no values in it.
        assert_eq!(take(&["x.y"], r#"{"x":"plain"}"#).unwrap(), [""]);
    }

    #[test]
    fn a_path_may_not_end_on_the_way_of_another() {
        let mut tree = Tree::default();
        tree.add(&parse("a.b").unwrap(), 0, "a.b").unwrap();
        assert!(tree.add(&parse("a").unwrap(), 1, "a").is_err());
        assert!(tree.add(&parse("a.b.c").unwrap(), 1, "a.b.c").is_err());
    }
}
