//! Tests of sketches: against exact ranks, and against the library whose bytes they have.

use proptest::prelude::*;
use sketches_ddsketch::DDSketch;

use super::super::bytes::write_values;
use super::*;

fn sketch(values: &[f64]) -> Sketch {
    let mut sketch = Sketch::default();
    values.iter().for_each(|value| sketch.add(*value));
    sketch
}

fn library(values: &[f64]) -> DDSketch {
    let mut sketch = DDSketch::new(*config());
    values.iter().for_each(|value| sketch.add(*value));
    sketch
}

/// Within a factor of 10^16, so that the library's bins, which are 2,048 at most, hold all.
fn values() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![
        4 => 1.0..1e12_f64,
        2 => (1_u32..2_000).prop_map(f64::from),
        1 => Just(0.0),
        1 => -1e9..-1.0_f64,
    ];
    prop::collection::vec(value, 1..300)
}

proptest! {
    #[test]
    fn bytes_are_the_librarys_but_for_the_sum(values in values()) {
        let (ours, theirs) = (sketch(&values).to_bytes().unwrap(), library(&values));
        let mut expected = theirs.to_java_bytes();
        if let Some(sum) = theirs.sum().filter(|sum| *sum != 0.0) {
            let flagged: Vec<u8> = [0x84].into_iter().chain(sum.to_le_bytes()).collect();
            let at = expected.windows(9).position(|window| window == flagged).unwrap();
            expected.drain(at..at + 9);
        }
        prop_assert_eq!(&ours, &expected);
        let read = DDSketch::from_java_bytes(&ours).unwrap();
        prop_assert_eq!(read.count(), values.len());
        prop_assert_eq!(&Sketch::from_bytes(&theirs.to_java_bytes()).unwrap().to_bytes().unwrap(), &ours);
        for q in [0.0, 0.1, 0.5, 0.9, 0.99, 1.0] {
            let (one, other) = (sketch(&values).quantile(q).unwrap(), read.quantile(q).unwrap().unwrap());
            prop_assert!(one == other.clamp(read.min().unwrap(), read.max().unwrap()), "{one} {other}");
        }
    }

    #[test]
    fn order_and_grouping_do_not_matter(mut values in values(), cut in 0.0..1.0_f64, turn in 0_usize..300) {
        let whole = sketch(&values).to_bytes();
        let turn = turn % values.len();
        values.rotate_left(turn);
        let (one, other) = values.split_at((cut * values.len() as f64) as usize);
        let mut merged = Sketch::default();
        for part in [other, one] {
            if let Some(bytes) = sketch(part).to_bytes() {
                merged.merge(&bytes).unwrap();
            }
        }
        prop_assert_eq!(merged.to_bytes(), whole.clone());
        let mut singly = Sketch::default();
        for value in &values {
            let mut bytes = Vec::new();
            Sketch::write_value(*value, &mut bytes);
            prop_assert_eq!(Some(bytes.clone()), sketch(&[*value]).to_bytes());
            singly.merge(&bytes).unwrap();
        }
        prop_assert_eq!(singly.to_bytes(), whole);
    }

    #[test]
    fn whole_numbers_are_written_as_they_would_be_added(values in prop::collection::vec(prop_oneof![9 => 0..i64::MAX, 1 => any::<i64>()], 0..200)) {
        let floats: Vec<f64> = values.iter().map(|value| *value as f64).collect();
        let mut bytes = Vec::new();
        write_values(&values, &mut Vec::new(), &mut bytes);
        prop_assert_eq!(Some(bytes).filter(|bytes| !bytes.is_empty()), sketch(&floats).to_bytes());
    }

    #[test]
    fn quantiles_are_within_one_per_cent(mut values in values(), q in 0.0..=1.0_f64) {
        let found = sketch(&values).quantile(q).unwrap();
        values.sort_by(f64::total_cmp);
        let exact = values[(q * (values.len() - 1) as f64) as usize];
        prop_assert!((found - exact).abs() <= exact.abs() * RELATIVE_ERROR * 1.000_001, "{found} for {exact}");
    }

    #[test]
    fn bins_hold_their_values(values in values()) {
        let sketch = sketch(&values);
        let bins: Vec<Bin> = sketch.bins().collect();
        prop_assert_eq!(bins.iter().map(|bin| bin.count).sum::<u64>(), values.len() as u64);
        prop_assert!(bins.windows(2).all(|pair| pair[0].high <= pair[1].low + pair[1].low.abs() * 1e-9), "{:?}", bins);
        for value in values {
            let slack = value.abs() * 1e-9;
            prop_assert!(bins.iter().any(|bin| bin.low - slack <= value && value <= bin.high + slack), "{value}");
        }
    }

    #[test]
    fn bytes_that_are_no_sketch_are_refused_and_nothing_breaks(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(sketch) = Sketch::from_bytes(&bytes) {
            prop_assert!(sketch.heap_bytes() < 1 << 20);
            prop_assert_eq!(sketch.quantile(0.5).is_some(), sketch.count() > 0);
        }
    }
}

#[test]
fn the_javas_other_ways_to_write_bins_are_read() {
    // Count 3, least 1, greatest 1, mapping; bins 0, 1, 2 as deltas, then as counts in a row.
    let head = |out: &mut Vec<u8>| {
        out.extend([0xA0, 0x04, 0x88]);
        out.extend(1.0_f64.to_le_bytes());
        out.push(0x8C);
        out.extend(1.0_f64.to_le_bytes());
        out.push(0x02);
        out.extend(config().gamma.to_le_bytes());
        out.extend(0.0_f64.to_le_bytes());
    };
    for tail in [vec![0x09, 3, 0, 2, 2], vec![0x0D, 3, 0, 2, 2, 2, 2]] {
        let mut bytes = Vec::new();
        head(&mut bytes);
        bytes.extend(tail);
        let sketch = Sketch::from_bytes(&bytes).unwrap();
        assert_eq!(sketch.positive.iter().collect::<Vec<_>>(), [(0, 1), (1, 1), (2, 1)]);
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let message = |bytes: &[u8]| Sketch::from_bytes(bytes).unwrap_err().to_string();
    assert_eq!(message(&[0xA0]), "a sketch of 1 bytes ends too early");
    assert_eq!(message(&[0x00]), "0x00 is no part of a sketch");
    assert_eq!(message(&[0x05, 1, 2, 2]), "a sketch has no least and greatest value");
    assert_eq!(message(&[0x05, 1, 0xFE, 0xFF, 0xFF, 0xFF, 0x0F, 2]), "a sketch has no bin 2147483647");
    let mut other = vec![0x02];
    other.extend(1.5_f64.to_le_bytes());
    other.extend(0.0_f64.to_le_bytes());
    assert_eq!(message(&other), "a sketch with bins 1.5 apart is not one with an error of 1 %");
}

#[test]
fn an_empty_sketch_has_no_bytes_and_no_quantiles() {
    let mut sketch = Sketch::default();
    sketch.add(f64::NAN);
    sketch.add(f64::INFINITY);
    assert_eq!((sketch.to_bytes(), sketch.quantile(0.5), sketch.count()), (None, None, 0));
}
