//! LOBSTER: the pair, the messages alone, the traps of the layout, copies without names.

use std::fs;
use std::path::{Path, PathBuf};

use hftcol::error::Result;
use hftcol::input::{InputLimits, Source, head};
use hftcol::units::Date;
use hftcol::vendor::{Probe, Selected, Selection, SourceOptions, select};

use crate::sources::{Parsed, chunked, gzip, read};

const MESSAGES: &str = "XYZ_2012-06-21_34200000_57600000_message_2.csv";
const BOOK: &str = "XYZ_2012-06-21_34200000_57600000_orderbook_2.csv";
/// New York's midnight of that day.
const MIDNIGHT: i64 = 1_340_251_200_000_000_000;

fn sample(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/lobster").join(name)).unwrap()
}

/// Files of a run.
struct Inputs {
    folder: tempfile::TempDir,
    paths: Vec<PathBuf>,
}

impl Inputs {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = files.iter().map(|(name, bytes)| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        });
        Self { paths: paths.collect(), folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn select(&self, format: &str, name: &str, options: &SourceOptions) -> Result<Selection> {
        let path = self.path(name);
        let head = head(&path, &InputLimits::default())?;
        select(format, &Probe { path: &path, head: &head, siblings: &self.paths }, options)
    }

    fn chosen(&self, name: &str, options: &SourceOptions) -> Result<Box<Selected>> {
        match self.select("auto", name, options)? {
            Selection::Source(selected) => Ok(selected),
            Selection::ReadWith(path) => panic!("{name} is read with {}", path.display()),
        }
    }

    fn parse(&self, name: &str, options: &SourceOptions, limits: &InputLimits) -> Result<Parsed> {
        let selected = self.chosen(name, options)?;
        Ok(read(Source::open(&self.path(name), limits)?, &selected, limits)?.0)
    }
}

fn pair(messages: &[u8], book: &[u8]) -> Result<Parsed> {
    Inputs::new(&[(MESSAGES, messages), (BOOK, book)]).parse(
        MESSAGES,
        &SourceOptions::default(),
        &InputLimits::default(),
    )
}

fn day() -> SourceOptions {
    SourceOptions { security: Some("XYZ".to_owned()), date: Date::parse("2012-06-21"), ..SourceOptions::default() }
}

#[test]
fn a_pair_becomes_orders_trades_and_book() {
    let parsed = pair(&sample(MESSAGES), &sample(BOOK)).unwrap();
    assert!(parsed.rejects.is_empty(), "{:?}", parsed.rejects);
    assert_eq!((parsed.records, parsed.count("orders"), parsed.count("book"), parsed.count("trades")), (12, 12, 12, 3));
    let row = |nanos: i64, record: u32| format!("nasdaq/XYZ 2012-06-21 {} - - {record}.0", MIDNIGHT + nanos);
    let first = row(34_200_017_459_617, 0);
    assert_eq!(parsed.first("orders"), format!("{first} 1 1|11885113|223.81 21"));
    assert_eq!(parsed.first("book"), format!("{first} ||223.81 21 223.95 100 223.18 100 224 250"));
    // A visible execution of a resting buy order: the aggressor sells.
    let execution = row(34_200_190_226_476, 3);
    assert_eq!(parsed.first("trades"), format!("{execution} -1||223.81 21"));
    assert_eq!(parsed.rows["orders"][3], format!("{execution} 4 1|11885113|223.81 21"));
    // An empty bid side, then nothing at all.
    assert!(parsed.rows["book"][8].ends_with(" ||- - 224 250"), "{}", parsed.rows["book"][8]);
    assert!(parsed.rows["book"][9].ends_with(" ||"), "{}", parsed.rows["book"][9]);
    // A halt keeps its row.
    assert!(parsed.rows["orders"][10].ends_with(" 7 -1|0|-0.0001 0"), "{}", parsed.rows["orders"][10]);
    // Eleven decimals, rounded half up.
    assert_eq!(parsed.rows["orders"][11], format!("{} 6 -1|-1|223.9 500", row(57_599_999_999_124, 11)));
}

#[test]
fn messages_alone_make_orders_and_trades() {
    let whole = pair(&sample(MESSAGES), &sample(BOOK)).unwrap();
    let inputs = Inputs::new(&[(MESSAGES, &sample(MESSAGES))]);
    let alone = inputs.parse(MESSAGES, &SourceOptions::default(), &InputLimits::default()).unwrap();
    assert_eq!(alone.rows["orders"], whole.rows["orders"]);
    assert_eq!(alone.rows["trades"], whole.rows["trades"]);
    assert_eq!(alone.count("book"), 0);
    assert!(inputs.chosen(MESSAGES, &SourceOptions::default()).unwrap().reason.contains("not among the inputs"));
}

#[test]
fn an_order_book_alone_is_refused() {
    for name in [BOOK, "renamed"] {
        let inputs = Inputs::new(&[(name, &sample(BOOK))]);
        for format in ["auto", "lobster"] {
            let error = inputs.select(format, name, &day()).unwrap_err();
            assert_eq!(error.exit_code(), 3);
            assert!(error.to_string().contains("has no times of its own"), "{error}");
        }
    }
}

#[test]
fn the_book_is_read_with_its_messages() {
    let inputs = Inputs::new(&[(MESSAGES, &sample(MESSAGES)), (BOOK, &sample(BOOK))]);
    for format in ["auto", "lobster"] {
        match inputs.select(format, BOOK, &SourceOptions::default()).unwrap() {
            Selection::ReadWith(path) => assert_eq!(path, inputs.path(MESSAGES)),
            Selection::Source(selected) => panic!("{selected:?}"),
        }
    }
    assert_eq!(inputs.chosen(MESSAGES, &SourceOptions::default()).unwrap().partner, Some(inputs.path(BOOK)));
}

#[test]
fn chunk_borders_never_show() {
    let header = "Time,Type,OrderId,Size,Price,Direction\n";
    let titles = "Ask,AskSize,Bid,BidSize,Ask2,AskSize2,Bid2,BidSize2\n";
    for (left, right) in [("", ""), (header, titles), (header, ""), ("", titles)] {
        let messages = [left.as_bytes(), &sample(MESSAGES)].concat();
        let book = [right.as_bytes(), &sample(BOOK)].concat();
        let inputs = Inputs::new(&[(MESSAGES, &messages), (BOOK, &book)]);
        let parse = |limits| inputs.parse(MESSAGES, &SourceOptions::default(), &limits).unwrap();
        let whole = parse(InputLimits::default());
        assert_eq!((whole.count("book"), whole.count("trades")), (12, 3), "{left}{right}");
        assert_eq!(whole.skipped.get("header").copied().unwrap_or(0), u64::from(!left.is_empty()));
        for bytes in [64, 100, 150, 333, 700] {
            assert_eq!(parse(chunked(bytes)), whole, "chunks of {bytes}, {left}{right}");
        }
    }
}

#[test]
fn headers_semicolons_carriage_returns_compression_and_a_seventh_column() {
    let plain = pair(&sample(MESSAGES), &sample(BOOK)).unwrap();
    let text = |name| String::from_utf8(sample(name)).unwrap();
    let (messages, book) = (text(MESSAGES), text(BOOK));
    let semicolons = pair(messages.replace(',', ";").as_bytes(), book.replace(',', ";").as_bytes()).unwrap();
    assert_eq!(semicolons.rows, plain.rows);
    let crlf = pair(messages.replace('\n', "\r\n").as_bytes(), book.replace('\n', "\r\n").as_bytes()).unwrap();
    assert_eq!(crlf.rows, plain.rows);
    assert_eq!(pair(&gzip(messages.as_bytes()), book.as_bytes()).unwrap().rows, plain.rows);
    let seventh = pair(messages.replace('\n', ",null\n").as_bytes(), book.as_bytes()).unwrap();
    assert_eq!(seventh.rows, plain.rows);
    let unended = pair(messages.trim_end().as_bytes(), format!("{book}\n\n").as_bytes()).unwrap();
    assert_eq!(unended.rows, plain.rows);
}

#[test]
fn a_bad_line_in_either_file_rejects_the_record() {
    let (messages, book) = (String::from_utf8(sample(MESSAGES)).unwrap(), String::from_utf8(sample(BOOK)).unwrap());
    let with = |text: &str, line: usize, bad: &str| {
        let mut lines: Vec<_> = text.lines().collect();
        lines[line] = bad;
        lines.join("\n")
    };
    let good = "2239500,100,2238100,21,2240000,250,2231800,100";
    let cases = [
        ("x,1,1,1,1,1", good, "time", "seconds after midnight"),
        ("34200.2,8,1,1,1,1", good, "type", "from 1 to 7"),
        ("34200.2,1,1,-1,1,1", good, "size", "zero or more"),
        ("34200.2,1,1,1,1.5,1", good, "price", "1/10000"),
        ("34200.2,1,1,1,1,3", good, "direction", "1 or -1"),
        ("34200.2,1,,1,1,1", good, "order_id", "an order id"),
        ("34200.2,1,1,1,1", good, "", "6 fields, got 5"),
        ("", good, "orderbook", "no book line"),
        ("34200.2,1,1,1,1,1", "1,2,3", "orderbook", "8 fields"),
        ("34200.2,1,1,1,1,1", "1,2,3,4,5,6,x,8", "orderbook bid_px_01", "a whole number"),
        ("34200.2,1,1,1,1,1", "1,2,3,4,inf,6,7,8", "orderbook ask_px_01", "a whole number"),
    ];
    for (message, line, column, reason) in cases {
        let parsed = pair(with(&messages, 1, message).as_bytes(), with(&book, 1, line).as_bytes()).unwrap();
        let [reject] = &parsed.rejects[..] else { panic!("{message} {line}: {:?}", parsed.rejects) };
        assert_eq!((reject.record, reject.line, reject.column.as_str()), (1, 2, column), "{message} {line}");
        assert!(reject.reason.contains(reason), "{}", reject.reason);
        assert_eq!(reject.byte_offset as usize, messages.lines().next().unwrap().len() + 1);
        assert_eq!(reject.head, message.as_bytes());
        assert_eq!((parsed.count("orders"), parsed.count("book")), (11, 11));
    }
}

#[test]
fn halves_of_different_length_are_refused() {
    let (messages, book) = (sample(MESSAGES), sample(BOOK));
    let cut = |bytes: &[u8]| bytes[..bytes.len() - 20 - 1].rsplitn(2, |b| *b == b'\n').last().unwrap().to_vec();
    for (left, right) in [(cut(&messages), book.clone()), (messages.clone(), cut(&book))] {
        let error = pair(&[&left[..], b"\n"].concat(), &[&right[..], b"\n"].concat()).unwrap_err();
        assert_eq!(error.exit_code(), 3);
        assert!(error.to_string().contains("as many records"), "{error}");
    }
}

#[test]
fn renamed_copies_pair_by_content_or_are_refused() {
    let plain = pair(&sample(MESSAGES), &sample(BOOK)).unwrap();
    let (messages, book) = (sample(MESSAGES), sample(BOOK));
    let inputs = Inputs::new(&[("a", &messages), ("b.txt", &book)]);
    assert_eq!(inputs.parse("a", &day(), &InputLimits::default()).unwrap().rows, plain.rows);
    assert!(matches!(inputs.select("auto", "b.txt", &day()), Ok(Selection::ReadWith(_))));
    // The day and the security are nowhere else.
    let no_date = SourceOptions { date: None, ..day() };
    let error = inputs.chosen("a", &no_date).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("--date"), "{error}");
    let no_security = SourceOptions { security: None, ..day() };
    let error = inputs.chosen("a", &no_security).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("--security"), "{error}");
    // Two pairs: nobody can tell which belong together.
    let four = Inputs::new(&[("a", &messages), ("b", &book), ("c", &messages), ("d", &book)]);
    for name in ["a", "b", "c", "d"] {
        let error = four.select("auto", name, &day()).unwrap_err();
        assert_eq!(error.exit_code(), 3);
        assert!(error.to_string().contains("not 2 and 2"), "{error}");
    }
}

#[test]
fn options_say_what_the_names_do_not() {
    let inputs = Inputs::new(&[("m", &sample(MESSAGES))]);
    let options = SourceOptions {
        venue: Some("xetra".to_owned()),
        tz: Some("Europe/Berlin".to_owned()),
        date_tz: Some("UTC".to_owned()),
        ..day()
    };
    let parsed = inputs.parse("m", &options, &InputLimits::default()).unwrap();
    let berlin = MIDNIGHT - 6 * 3_600 * 1_000_000_000 + 34_200_017_459_617;
    assert!(
        parsed.first("orders").starts_with(&format!("xetra/XYZ 2012-06-21 {berlin} ")),
        "{}",
        parsed.first("orders")
    );
    let recv = SourceOptions { clock: Some(hftcol::schema::Clock::Recv), ..day() };
    assert_eq!(inputs.chosen("m", &recv).unwrap_err().exit_code(), 2);
}

#[test]
fn levels_beyond_the_limit_are_counted() {
    let inputs = Inputs::new(&[(MESSAGES, &sample(MESSAGES)), (BOOK, &sample(BOOK))]);
    let options = SourceOptions { levels: 1, ..SourceOptions::default() };
    let parsed = inputs.parse(MESSAGES, &options, &InputLimits::default()).unwrap();
    assert!(parsed.first("book").ends_with("||223.81 21 223.95 100"), "{}", parsed.first("book"));
    let levels = String::from_utf8(sample(BOOK)).unwrap();
    let beyond = levels.lines().flat_map(|l| l.split(',').skip(4).collect::<Vec<_>>().into_iter().skip(1).step_by(2));
    assert_eq!(parsed.notes["levels beyond --levels, left out"], beyond.filter(|size| *size != "0").count() as u64);
}

#[test]
fn a_field_beyond_the_limit_refuses_its_pair() {
    let message = |size: &str| format!("34200.1,1,{size},18,2238100,1\n");
    let levels = |price: &str| format!("{price},100,2230700,200,2240000,200,2230600,200\n");
    let (short, long) = ("2239900", "00002239900");
    let messages = [message("1"), message("00000000021"), message("3")].concat();
    let book = [levels(short), levels(short), levels(long)].concat();
    let inputs = Inputs::new(&[(MESSAGES, messages.as_bytes()), (BOOK, book.as_bytes())]);
    for (most, lines) in [(11, &[][..]), (10, &[2, 3])] {
        let options = SourceOptions { field_bytes: most, ..SourceOptions::default() };
        for chunk in [1, 40, 1_000] {
            let parsed = inputs.parse(MESSAGES, &options, &chunked(chunk)).unwrap();
            let refused: Vec<_> = parsed.rejects.iter().map(|r| r.line).collect();
            assert_eq!(refused, lines, "{:?}", parsed.rejects);
            assert!(parsed.rejects.iter().all(|r| r.reason.contains("--max-field")));
        }
    }
}
