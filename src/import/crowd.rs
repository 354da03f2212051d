//! Says once that an import makes very many partitions: mostly a column of ids was taken for the security.

use crate::limits::PARTITIONS_WARNED;

/// What to tell when so many partitions have been met: nothing, but for the first one beyond the limit.
pub(crate) fn warning(met: u64) -> Option<String> {
    (met == PARTITIONS_WARNED + 1).then(|| {
        format!(
            "more than {PARTITIONS_WARNED} partitions (a venue, security and date each) in one import: all are stored, in time \
             and disk blocks that grow with their number; see that the security is the column that was meant"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_partition_beyond_the_limit_is_told_and_no_other() {
        let told: Vec<u64> = (0..=3 * PARTITIONS_WARNED).filter(|met| warning(*met).is_some()).collect();
        assert_eq!(told, [PARTITIONS_WARNED + 1]);
    }
}
