//! What stands around a message in a record: a capture time, a connection, a list.

use std::borrow::Cow;

use super::super::header;
use crate::normalize::{Fault, TS_NULL};
use crate::parse::TimeFormat;
use crate::parse::json::{Reader, Text, Value};
use crate::parse::timestamp::epoch;

/// How the records of a source hold their messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::vendor) enum Envelope {
    /// A message and nothing else.
    Bare,
    /// A list of messages that is the whole source; a record ends behind each of them.
    List,
    /// The capture time in this unit, a blank, the message.
    Stamped(TimeFormat),
    /// cryptofeed: `{"t":"recv","conn":...,"ts":...,"data":"<message>"}`.
    Cryptofeed,
    /// cryptofeed before that: `<seconds>: <message>`, with `<url> <- <seconds>: <what was sent>`.
    CryptofeedText,
}

/// A message with what its record says of it.
#[derive(Clone, Debug)]
pub(in crate::vendor) struct Letter<'l> {
    /// Capture time, [`TS_NULL`] if there is none.
    pub recv: i64,
    /// The message.
    pub payload: Cow<'l, [u8]>,
    /// The connection it came from, if named.
    pub connection: Cow<'l, [u8]>,
    /// What was asked for, if this is the answer to a request.
    pub url: Cow<'l, [u8]>,
}

/// A record, opened.
pub(in crate::vendor) enum Opened<'l> {
    /// It holds a message.
    Message(Letter<'l>),
    /// It is skipped by this rule.
    Skip(&'static str),
}

impl Envelope {
    /// The envelope that the first line of a head shows, cryptofeed's apart.
    pub(in crate::vendor) fn of(head: &[u8]) -> Option<Self> {
        let line = header::first_line(head)?;
        match line.trim_ascii_start().first()? {
            b'{' => Some(Self::Bare),
            b'[' => line.trim_ascii_start()[1..].trim_ascii_start().starts_with(b"{").then_some(Self::List),
            _ => {
                let (time, rest) = line.split_at(line.iter().position(|b| *b == b' ')?);
                let unit = TimeFormat::of_epoch(time)?;
                rest.trim_ascii_start().starts_with(b"{").then_some(Self::Stamped(unit))
            }
        }
    }

    /// Opens a record.
    ///
    /// # Errors
    /// What was expected instead.
    pub(in crate::vendor) fn open(self, record: &[u8]) -> Result<Opened<'_>, Fault> {
        match self {
            Self::Bare => Ok(bare(TS_NULL, record)),
            Self::List => list_item(record),
            Self::Stamped(unit) => stamped(record, unit),
            Self::Cryptofeed => cryptofeed(record),
            Self::CryptofeedText => cryptofeed_text(record),
        }
    }
}

fn bare(recv: i64, payload: &[u8]) -> Opened<'_> {
    let (payload, nothing) = (Cow::Borrowed(payload), Cow::Borrowed(&b""[..]));
    Opened::Message(Letter { recv, payload, connection: nothing.clone(), url: nothing })
}

/// A message with the bracket or comma before it; behind the last one only the closing bracket is left.
fn list_item(record: &[u8]) -> Result<Opened<'_>, Fault> {
    let text = record.trim_ascii();
    match text.split_first() {
        None => Ok(Opened::Skip("blank line")),
        Some((b'[' | b',', rest)) if rest.trim_ascii_start().starts_with(b"{") => Ok(bare(TS_NULL, rest)),
        Some((b']', [])) => Ok(Opened::Skip("end of the list")),
        _ => Err(Fault::new("", "an object of the list, with a comma before it")),
    }
}

fn stamped(record: &[u8], unit: TimeFormat) -> Result<Opened<'_>, Fault> {
    let blank = record.iter().position(|b| *b == b' ').ok_or_else(|| Fault::new("", "a capture time and a message"))?;
    let (time, payload) = record.split_at(blank);
    if let Some(other) = TimeFormat::of_epoch(time).filter(|u| *u != unit) {
        let expected = format!("a capture time in {} as in the first record, not in {}", unit.name(), other.name());
        return Err(Fault::got("ts_recv", expected, time));
    }
    Ok(bare(recv_time(time, unit)?, payload))
}

fn recv_time(text: &[u8], unit: TimeFormat) -> Result<i64, Fault> {
    epoch(text, unit.digits().unwrap_or(0)).map_err(|e| Fault::got("ts_recv", e, text))
}

fn cryptofeed(record: &[u8]) -> Result<Opened<'_>, Fault> {
    let mut reader = Reader::new(record);
    if reader.value()? != Value::Object {
        return Err(Fault::new("", "a record of cryptofeed: an object with `t`"));
    }
    let (mut kind, mut connection, mut data, mut url) = (None, None, None, None);
    let mut time = None;
    let mut first = true;
    while let Some(key) = reader.key(&mut first)? {
        let slot = match &*key.bytes() {
            b"t" => Some(&mut kind),
            b"conn" => Some(&mut connection),
            b"data" => Some(&mut data),
            b"url" => Some(&mut url),
            b"ts" => None,
            _ => {
                let value = reader.value()?;
                reader.skip(value)?;
                continue;
            }
        };
        match (reader.value()?, slot) {
            (Value::Text(text), Some(slot)) if slot.is_none() => *slot = Some(text),
            (Value::Number(digits), None) if time.is_none() => time = Some(digits),
            _ => return Err(Fault::got("", "each key once, with its kind of value", &key.bytes())),
        }
    }
    reader.end()?;
    let bytes = |text: Option<Text<'_>>| text.map_or(Cow::Borrowed(&b""[..]), |t| Cow::Owned(t.bytes().into_owned()));
    match &*bytes(kind) {
        b"recv" | b"http" => {}
        b"header" => return Ok(Opened::Skip("header")),
        b"send" => return Ok(Opened::Skip("what was sent")),
        b"connect" | b"disconnect" | b"close" => return Ok(Opened::Skip("connection opened or closed")),
        other => return Err(Fault::got("t", "a record's kind: recv, http, send, connect or header", other)),
    }
    let (is_answer, url) = (kind.is_some_and(|k| k.raw == b"http"), bytes(url));
    // Lists of instruments and the like are answers too.
    if is_answer && ![&b"depth"[..], b"book"].iter().any(|word| url.windows(word.len()).any(|w| w == *word)) {
        return Ok(Opened::Skip("answer that is no snapshot"));
    }
    let time = time.ok_or_else(|| Fault::new("ts", "a capture time"))?;
    let payload = data.ok_or_else(|| Fault::new("data", "a message as text"))?.bytes();
    let recv = recv_time(time, TimeFormat::Seconds)?;
    Ok(Opened::Message(Letter { recv, payload, connection: bytes(connection), url }))
}

fn cryptofeed_text(record: &[u8]) -> Result<Opened<'_>, Fault> {
    let find = |pattern: &[u8]| record.windows(pattern.len()).take(300).position(|w| w == pattern);
    if !record.first().is_some_and(u8::is_ascii_digit) {
        return match (find(b" <-> "), find(b" <- "), find(b" -> ")) {
            (Some(_), ..) => Ok(Opened::Skip("connection opened or closed")),
            (None, Some(_), _) => Ok(Opened::Skip("what was sent")),
            (None, None, Some(_)) => Ok(Opened::Skip("answer to a request")),
            _ => Err(Fault::new("", "a capture time and a message, or a connection")),
        };
    }
    let colon = find(b": ").ok_or_else(|| Fault::new("", "a capture time, a colon and a message"))?;
    Ok(bare(recv_time(&record[..colon], TimeFormat::Seconds)?, &record[colon + 2..]))
}
