//! Dialects of one venue's captured messages, bare, with the capture time before them or as one list; three of them also read
//! the venue's CSV files.

use super::feed::{Envelope, FeedParser, Protocol, Trial};
use super::feed::{binance::Binance, bybit::Bybit, coinbase::Coinbase, hyperliquid::Hyperliquid};
use super::{ChunkParser, Dialect, Probe, Recognition, SourceOptions, binance_csv, bybit_csv, coinbase_csv};
use crate::error::{Error, Result};

/// The dialects.
pub(super) static BINANCE: Capture =
    Capture { name: "binance", title: "Binance", start: binance, files: Some(&BINANCE_FILES) };

pub(super) static COINBASE: Capture =
    Capture { name: "coinbase", title: "Coinbase", start: coinbase, files: Some(&COINBASE_FILES) };
pub(super) static HYPERLIQUID: Capture =
    Capture { name: "hyperliquid", title: "Hyperliquid", start: hyperliquid, files: None };
pub(super) static BYBIT: Capture = Capture { name: "bybit", title: "Bybit", start: bybit, files: Some(&BYBIT_FILES) };

static BINANCE_FILES: Files = Files { recognise: binance_csv::recognise, open: binance_csv::open };

static BYBIT_FILES: Files = Files { recognise: bybit_csv::recognise, open: bybit_csv::open };

static COINBASE_FILES: Files = Files { recognise: coinbase_csv::recognise, open: coinbase_csv::open };

/// A protocol, ready for the rest of the source, with its venue and the security of messages that name none.
pub(super) struct Start {
    pub protocol: Box<dyn Protocol>,
    pub venue: &'static str,
    pub security: Option<String>,
    /// The security that the file's name says, behind `--security`.
    pub named: Option<String>,
}

/// CSV files of the same venue.
#[derive(Debug)]
struct Files {
    recognise: fn(&Probe<'_>) -> Option<String>,
    open: fn(&Probe<'_>, &SourceOptions) -> Result<Box<dyn ChunkParser>>,
}

/// A dialect.
#[derive(Debug)]
pub(super) struct Capture {
    name: &'static str,
    title: &'static str,
    start: fn(&Probe<'_>, Envelope) -> Start,
    files: Option<&'static Files>,
}

fn binance(probe: &Probe<'_>, envelope: Envelope) -> Start {
    let protocol = Binance::learn(probe.head, envelope);
    let (security, named) = (protocol.only_security(), security_of_name(probe));
    Start { venue: protocol.market().venue(), protocol: Box::new(protocol), security, named }
}

fn coinbase(_: &Probe<'_>, _: Envelope) -> Start {
    Start { protocol: Box::new(Coinbase), venue: "coinbase", security: None, named: None }
}

fn hyperliquid(_: &Probe<'_>, _: Envelope) -> Start {
    Start { protocol: Box::new(Hyperliquid), venue: "hyperliquid", security: None, named: None }
}

fn bybit(_: &Probe<'_>, _: Envelope) -> Start {
    Start { protocol: Box::new(Bybit), venue: "bybit", security: None, named: None }
}

/// The security that begins a file name such as `btcusdt_20240808.gz`: letters that end in a currency that prices are made in.
fn security_of_name(probe: &Probe<'_>) -> Option<String> {
    const QUOTES: [&str; 9] = ["USDT", "USDC", "BUSD", "TUSD", "FDUSD", "BTC", "ETH", "BNB", "USD_PERP"];
    let name = crate::input::file_name(probe.path)?.to_ascii_uppercase();
    let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
    let perpetual = name[end..].strip_prefix("_PERP").map_or(end, |_| end + "_PERP".len());
    let word = &name[..perpetual];
    let is_pair = QUOTES.iter().any(|quote| word.len() > quote.len() && word.ends_with(quote));
    is_pair.then(|| word.to_owned())
}

impl Capture {
    fn trial(&self, probe: &Probe<'_>) -> Option<(Envelope, Trial)> {
        let envelope = Envelope::of(probe.head)?;
        let start = (self.start)(probe, envelope);
        Some((envelope, Trial::of(probe.head, envelope, &*start.protocol)))
    }
}

impl Dialect for Capture {
    fn name(&self) -> &'static str {
        self.name
    }

    fn recognise(&self, probe: &Probe<'_>) -> Recognition {
        if let Some((envelope, trial)) = self.trial(probe).filter(|(_, trial)| trial.is_sure()) {
            let form = match envelope {
                Envelope::Stamped(unit) => format!("with the capture time in {} before each", unit.name()),
                Envelope::List => "in one list".to_owned(),
                _ => "one a line".to_owned(),
            };
            let Trial { data, others, .. } = trial;
            let title = self.title;
            return Recognition::Yes(format!(
                "messages of {title}, {form}: {data} that make rows and {others} that make none in the first records"
            ));
        }
        let found = self.files.and_then(|files| (files.recognise)(probe));
        found.map_or(Recognition::No, Recognition::Yes)
    }

    fn open(&self, probe: &Probe<'_>, options: &SourceOptions) -> Result<Box<dyn ChunkParser>> {
        let Some(envelope) = Envelope::of(probe.head) else {
            return match self.files {
                Some(files) => (files.open)(probe, options),
                None => Err(self.refused(probe)),
            };
        };
        self.check_times(probe)?;
        let start = (self.start)(probe, envelope);
        Ok(Box::new(FeedParser::new(envelope, start.protocol, start.venue, [start.security, start.named], options)?))
    }
}

impl Capture {
    fn refused(&self, probe: &Probe<'_>) -> Error {
        let expected = format!("messages of {}, one JSON text a line or one list", self.title);
        Error::refused(probe.path, expected, "give the capture as it was written")
    }

    /// Decision 22: a snapshot without any time has no place in a day.
    fn check_times(&self, probe: &Probe<'_>) -> Result<()> {
        match self.trial(probe) {
            Some((_, trial)) if trial.data > 0 && trial.timeless == trial.data => Err(Error::refused(
                probe.path,
                "a time: these snapshots have neither the venue's nor that of their capture",
                "write the capture time and a blank before each",
            )),
            _ => Ok(()),
        }
    }
}
