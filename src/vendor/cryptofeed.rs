//! Raw captures of cryptofeed: one record a line with a venue's message as text in it, and the older text lines.
//!
//! The header, the names of the connections or their addresses say the venue; its messages are those of [`super::feed`]. What was
//! sent, answers to subscriptions and lists of instruments are skipped by rule.

use std::borrow::Cow;

use super::feed::{Envelope, FeedParser, Opened, Protocol};
use super::feed::{
    binance::Binance, bitfinex::Bitfinex, bitmex::Bitmex, bitstamp::Bitstamp, bybit::Bybit, coinbase::Coinbase,
    deribit::Deribit, gateio::Gateio, hyperliquid::Hyperliquid, kraken::Kraken, okx::Okx,
};
use super::header;
use super::{ChunkParser, Dialect, Probe, Recognition, SourceOptions};
use crate::error::{Error, Result};
use crate::parse::json::{Reader, Value};

/// The dialect.
#[derive(Debug)]
pub(super) struct Cryptofeed;

/// Records of the head that are looked at.
const LOOK: usize = 64;

type Start = fn(&[u8], Envelope) -> Box<dyn Protocol>;

/// Names of venues as cryptofeed writes them, the word by which an address of theirs is known, and their messages.
const VENUES: [(&str, &str, Start); 14] = [
    ("BINANCE", "stream.binance.com", |head, envelope| Box::new(Binance::learn(head, envelope))),
    ("BINANCE_FUTURES", "fstream.binance.com", |head, envelope| Box::new(Binance::learn(head, envelope))),
    ("BINANCE_DELIVERY", "dstream.binance.com", |head, envelope| Box::new(Binance::learn(head, envelope))),
    ("BITFINEX", "bitfinex.com", |head, envelope| Box::new(Bitfinex::learn(head, envelope))),
    ("BITMEX", "bitmex.com", |_, _| Box::new(Bitmex)),
    ("BITSTAMP", "bitstamp.net", |_, _| Box::new(Bitstamp)),
    ("BYBIT", "bybit.com", |_, _| Box::new(Bybit)),
    ("COINBASE", "coinbase.com", |_, _| Box::new(Coinbase)),
    ("DERIBIT", "deribit.com", |_, _| Box::new(Deribit)),
    ("GATEIO", "gateio.ws", |_, _| Box::new(Gateio)),
    ("HYPERLIQUID", "hyperliquid.xyz", |_, _| Box::new(Hyperliquid)),
    ("KRAKEN", "kraken.com", |_, _| Box::new(Kraken)),
    ("OKEX", "okex.com", |_, _| Box::new(Okx)),
    ("OKX", "okx.com", |_, _| Box::new(Okx)),
];

/// What a head says: how records hold messages, and the venue if it is named.
fn look(head: &[u8]) -> Option<(Envelope, Option<String>)> {
    let lines = || header::whole_lines(head).filter(|line| !header::is_blank(line)).take(LOOK);
    let first = header::first_line(head)?;
    if first.starts_with(b"{") {
        let of_ours = lines().filter(|line| keys(line).is_some_and(|[kind, a, b]| kind.is_some() && a.or(b).is_some()));
        let opened = of_ours.filter(|line| Envelope::Cryptofeed.open(line).is_ok()).count();
        let named = lines().find_map(|line| {
            let [_, exchange, connection] = keys(line)?;
            let name = exchange.or(connection)?;
            Some(name.split('.').next().unwrap_or_default().to_owned())
        });
        return (2 * opened > lines().count()).then_some((Envelope::Cryptofeed, named));
    }
    let is_address = first.starts_with(b"wss://") || first.starts_with(b"ws://") || first.starts_with(b"https://");
    let opened = lines().filter(|line| match Envelope::CryptofeedText.open(line) {
        Ok(Opened::Message(letter)) => letter.payload.starts_with(b"{") || letter.payload.starts_with(b"["),
        Ok(Opened::Skip(_)) => true,
        Err(_) => false,
    });
    let address =
        lines().find(|line| line.starts_with(b"ws") || line.starts_with(b"http")).map(String::from_utf8_lossy);
    let named = address.and_then(|address| {
        let host = address.split('/').nth(2)?.split(' ').next()?.to_owned();
        // The longest word that fits: `fstream.binance.com` ends in another's.
        let fits = VENUES.iter().filter(|(_, word, _)| host.ends_with(word));
        fits.max_by_key(|(_, word, _)| word.len()).map(|(name, ..)| (*name).to_owned())
    });
    let sure = 2 * opened.count() > lines().count() && (is_address || first.first().is_some_and(u8::is_ascii_digit));
    sure.then_some((Envelope::CryptofeedText, named))
}

/// `t`, `exchange` and `conn` of a record.
fn keys(line: &[u8]) -> Option<[Option<String>; 3]> {
    let mut reader = Reader::new(line);
    (reader.value().ok()? == Value::Object).then_some(())?;
    let mut found = [None, None, None];
    let mut first = true;
    while let Some(key) = reader.key(&mut first).ok()? {
        let at = [&b"t"[..], b"exchange", b"conn"].iter().position(|k| *k == &*key.bytes());
        let value = reader.value().ok()?;
        match (at, value) {
            (Some(at), Value::Text(text)) => {
                found[at] = Some(String::from_utf8_lossy(&Cow::into_owned(text.bytes())).into_owned());
            }
            _ => reader.skip(value).ok()?,
        }
    }
    Some(found)
}

impl Dialect for Cryptofeed {
    fn name(&self) -> &'static str {
        "cryptofeed"
    }

    fn recognise(&self, probe: &Probe<'_>) -> Recognition {
        match look(probe.head) {
            None => Recognition::No,
            Some((envelope, venue)) => {
                let form = if envelope == Envelope::Cryptofeed { "JSON records" } else { "text lines" };
                let venue = venue.unwrap_or_else(|| "a venue that it does not name".to_owned());
                Recognition::Yes(format!("a raw capture of cryptofeed in {form}, of {venue}"))
            }
        }
    }

    fn open(&self, probe: &Probe<'_>, options: &SourceOptions) -> Result<Box<dyn ChunkParser>> {
        let (envelope, named) = look(probe.head).ok_or_else(|| {
            Error::refused(probe.path, "a raw capture of cryptofeed", "give the file as cryptofeed wrote it")
        })?;
        let word = |name: &str| name.to_ascii_uppercase().replace('-', "_");
        let exchange = named.or_else(|| options.venue.clone()).map(|name| word(&name)).unwrap_or_default();
        let Some((name, _, start)) = VENUES.iter().find(|(name, ..)| *name == exchange) else {
            let known: Vec<_> = VENUES.iter().map(|(name, ..)| *name).collect();
            return Err(Error::refused(
                probe.path,
                format!("a capture of one of {}, not of `{exchange}`", known.join(", ")),
                "name the venue of a capture that does not say it with --venue",
            ));
        };
        let venue = name.to_ascii_lowercase().replace('_', "-");
        Ok(Box::new(FeedParser::new(envelope, start(probe.head, envelope), &venue, [None, None], options)?))
    }
}
