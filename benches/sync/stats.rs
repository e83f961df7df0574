//! Medians and ratios.

use std::time::Duration;

/// The median of `samples`, in milliseconds; not a number if there are none.
pub(crate) fn median_ms(samples: &[Duration]) -> f64 {
    median(
        samples
            .iter()
            .map(|sample| sample.as_secs_f64() * 1e3)
            .collect(),
    )
}

/// The median over the rounds of how many times as long `ours` took as `theirs`.
///
/// The two of a round ran one after the other: what the machine did besides at that time weighs on
/// both, and mostly leaves their ratio alone.
pub(crate) fn median_ratio(ours: &[Duration], theirs: &[Duration]) -> f64 {
    let pairs = ours.iter().zip(theirs);
    median(
        pairs
            .map(|(ours, theirs)| ours.as_secs_f64() / theirs.as_secs_f64())
            .collect(),
    )
}

/// The middle of `values`, or the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        even if even % 2 == 0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}
