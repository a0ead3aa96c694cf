//! Exact percentiles of signed values.

use serde::Serialize;

/// Values in order; all of them, so that percentiles are exact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    sorted: Vec<i64>,
}

/// The percentiles that are reported: values of the sample, by nearest rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    /// How many values there were.
    pub count: usize,
    /// 1 % are at most this.
    pub p1: i64,
    /// The median.
    pub p50: i64,
    /// 90 % are at most this.
    pub p90: i64,
    /// 99 % are at most this.
    pub p99: i64,
    /// 99.9 % are at most this.
    pub p999: i64,
    /// The greatest.
    pub max: i64,
}

impl Percentiles {
    /// The median of each of several; `None` of none.
    pub(super) fn median(several: &[Self]) -> Option<Self> {
        let of = |part: fn(&Self) -> i64| {
            let values: Distribution = several.iter().map(part).collect();
            values.at(500)
        };
        Some(Self {
            count: several.iter().map(|one| one.count).sum::<usize>() / several.len().max(1),
            p1: of(|one| one.p1)?,
            p50: of(|one| one.p50)?,
            p90: of(|one| one.p90)?,
            p99: of(|one| one.p99)?,
            p999: of(|one| one.p999)?,
            max: of(|one| one.max)?,
        })
    }
}

impl FromIterator<i64> for Distribution {
    fn from_iter<I: IntoIterator<Item = i64>>(values: I) -> Self {
        let mut sorted = Vec::from_iter(values);
        sorted.sort_unstable();
        Self { sorted }
    }
}

impl Distribution {
    /// The same without signs.
    #[must_use]
    pub fn magnitudes(&self) -> Self {
        self.sorted
            .iter()
            .map(|value| value.saturating_abs())
            .collect()
    }

    /// All percentiles; `None` if there are no values.
    pub fn percentiles(&self) -> Option<Percentiles> {
        Some(Percentiles {
            count: self.sorted.len(),
            p1: self.at(10)?,
            p50: self.at(500)?,
            p90: self.at(900)?,
            p99: self.at(990)?,
            p999: self.at(999)?,
            max: *self.sorted.last()?,
        })
    }

    /// The least value that so many thousandths of all values do not exceed.
    fn at(&self, thousandths: usize) -> Option<i64> {
        let rank = (self.sorted.len() * thousandths).div_ceil(1000);
        self.sorted.get(rank.saturating_sub(1)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_of_the_sample() {
        let percentiles = (1..=1000)
            .rev()
            .collect::<Distribution>()
            .percentiles()
            .unwrap();
        assert_eq!(
            percentiles,
            Percentiles {
                count: 1000,
                p1: 10,
                p50: 500,
                p90: 900,
                p99: 990,
                p999: 999,
                max: 1000
            }
        );
    }

    #[test]
    fn few_values_have_the_greatest_as_their_tail() {
        let values = Distribution::from_iter([3, -5, 1]);
        let percentiles = values.percentiles().unwrap();
        assert_eq!(
            (percentiles.p1, percentiles.p50, percentiles.p99),
            (-5, 1, 3)
        );
        assert_eq!(values.magnitudes().percentiles().unwrap().max, 5);
        assert_eq!(Distribution::default().percentiles(), None);
    }
}
