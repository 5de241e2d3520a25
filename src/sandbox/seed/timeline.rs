//! How a working month is spread over time: much by day, little by night, less at weekends.

use super::random::{DAY, HOUR};
use super::world::{midnight, weekend};

/// The share of all that happens that has happened by a moment, and the other way round.
#[derive(Debug)]
pub(super) struct Timeline {
    /// Shares and moments, both rising, from 0 to 1.
    marks: Vec<(f64, i64)>,
}

impl Timeline {
    pub(super) fn new(from: i64, to: i64) -> Timeline {
        let mut edges: Vec<(f64, i64)> = vec![(0.0, from)];
        let (mut sum, mut day) = (0.0, midnight(from));
        while day < to {
            let busy = if weekend(day) { 0.2 } else { 1.0 };
            for (start, end, weight) in [(0, 7, 0.08), (7, 18, 0.82), (18, 24, 0.1)] {
                let (start, end) = ((day + start * HOUR), (day + end * HOUR));
                let inside = (end.min(to) - start.max(from)).max(0);
                if inside > 0 {
                    sum += busy * weight * inside as f64 / (end - start) as f64;
                    edges.push((sum, end.min(to)));
                }
            }
            day += DAY;
        }
        Timeline { marks: edges.into_iter().map(|(share, at)| (share / sum.max(f64::MIN_POSITIVE), at)).collect() }
    }

    /// The moment by which so much of all has happened.
    pub(super) fn at(&self, share: f64) -> i64 {
        let next = self.marks.partition_point(|(s, _)| *s <= share);
        match (next.checked_sub(1).and_then(|i| self.marks.get(i)), self.marks.get(next)) {
            (Some((low, from)), Some((high, to))) => from + ((share - low) / (high - low) * (to - from) as f64) as i64,
            (Some((_, at)), None) | (None, Some((_, at))) => *at,
            (None, None) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_rises_with_the_share_and_most_of_it_is_by_day() {
        let to = 639_000_770_711_234_567;
        let line = Timeline::new(to - 30 * DAY, to);
        let times: Vec<i64> = (0..10_000).map(|i| line.at(f64::from(i) / 10_000.0)).collect();
        assert!(times.is_sorted());
        assert!(*times.first().unwrap() >= to - 30 * DAY && *times.last().unwrap() < to);
        let by_day = times.iter().filter(|t| (7 * HOUR..18 * HOUR).contains(&t.rem_euclid(DAY))).count();
        assert!((7_000..9_500).contains(&by_day), "{by_day}");
    }
}
