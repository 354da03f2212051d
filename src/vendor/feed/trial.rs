//! The first messages of a head, read on trial: how a dialect recognises its own, and what it learns before the first chunk.

use super::{Envelope, Letter, Message, Opened, Protocol, Rows};
use crate::input::object_end;
use crate::normalize::{ChunkBuilder, NameRule, Place, TS_NULL, Zone};
use crate::parse::tape::TapeReader;
use crate::schema::Clock;
use crate::vendor::header;

/// Records of a head that recognition looks at.
const LOOK: usize = 64;

/// What became of the first records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::vendor) struct Trial {
    /// Messages that make rows.
    pub data: usize,
    /// Messages and records that are known and make none.
    pub others: usize,
    /// Records that are not understood.
    pub broken: usize,
    /// Messages that make rows and have no time at all, of the venue or of the capture.
    pub timeless: usize,
}

impl Trial {
    /// Reads the first records of a head as messages of a venue.
    pub(in crate::vendor) fn of(head: &[u8], envelope: Envelope, protocol: &dyn Protocol) -> Self {
        // Only whether a message is understood matters here, not whether it names its security or has a time.
        let names = NameRule { venue: None, security: Some("?".to_owned()) };
        let utc = Zone::utc();
        let mut rows = Rows::new(ChunkBuilder::new(Place::default(), &names, &utc), 1, &[Clock::Recv; 6]);
        let mut tape = TapeReader::new(protocol.exact());
        let mut trial = Self::default();
        for (index, record) in records(head, envelope).take(LOOK).enumerate() {
            rows.builder.begin(index as u64);
            match envelope.open(record) {
                Ok(Opened::Message(letter)) => trial.message(&letter, protocol, &mut tape, &mut rows),
                Ok(Opened::Skip(_)) => trial.others += 1,
                Err(_) => trial.broken += 1,
            }
            let counted = rows.counts;
            rows.skip("trial", counted);
        }
        trial
    }

    fn message(&mut self, letter: &Letter<'_>, protocol: &dyn Protocol, tape: &mut TapeReader, rows: &mut Rows<'_>) {
        rows.recv = if letter.recv == TS_NULL { 0 } else { letter.recv };
        let placed = rows.counts.placed;
        let fate = tape.read(&letter.payload, |root| {
            protocol.message(&Message { root, connection: &letter.connection, url: &letter.url }, rows)
        });
        match fate {
            Ok(Ok(None)) => {
                self.data += 1;
                let is_timeless = rows.counts.placed > placed || rows.has_untimed();
                self.timeless += usize::from(letter.recv == TS_NULL && is_timeless);
            }
            Ok(Ok(Some(_))) => self.others += 1,
            Ok(Err(_)) | Err(_) => self.broken += 1,
        }
    }

    /// True if the venue's messages prevail: a damaged one among good ones becomes a reject, it does not hide the dialect.
    pub(in crate::vendor) fn is_sure(self) -> bool {
        self.data > self.broken
    }
}

/// Shows every whole message of a head to `visit`; what is no message is passed over.
pub(in crate::vendor) fn each_message(
    head: &[u8],
    envelope: Envelope,
    exact: bool,
    mut visit: impl FnMut(&Message<'_>),
) {
    let mut tape = TapeReader::new(exact);
    for record in records(head, envelope) {
        let Ok(Opened::Message(letter)) = envelope.open(record) else { continue };
        let (connection, url) = (&letter.connection, &letter.url);
        let Ok(()) = tape.read(&letter.payload, |root| visit(&Message { root, connection, url })) else { continue };
    }
}

/// The whole records of a head that are not blank.
fn records(head: &[u8], envelope: Envelope) -> Box<dyn Iterator<Item = &[u8]> + '_> {
    if envelope != Envelope::List {
        return Box::new(header::whole_lines(head).filter(|line| !header::is_blank(line)));
    }
    let mut rest = head;
    Box::new(std::iter::from_fn(move || {
        let (record, behind) = rest.split_at(object_end(rest)?);
        rest = behind;
        Some(record)
    }))
}
