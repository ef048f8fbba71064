//! The inverted index: for each three letters in a row, the products whose words hold them. Words that are misspelt
//! still share most of theirs with the right one.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::catalogue::{self, Product};

/// A product is found if it has so many per cent of the query's letters.
const ENOUGH_PERCENT: u32 = 60;

pub(crate) struct Index {
    products: Vec<Product>,
    /// Where in `products`, ascending.
    holders: HashMap<[char; 3], Vec<u32>>,
}

/// The index; built when it is first asked for.
pub(crate) fn get() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| {
        let index = Index::of(catalogue::products());
        let products = index.products.len().to_string();
        kit::log("info", "index built", &[("products", products), ("entries", index.holders.len().to_string())]);
        index
    })
}

/// The words of `text`, in lower case.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

impl Index {
    fn of(products: Vec<Product>) -> Index {
        let mut holders: HashMap<[char; 3], Vec<u32>> = HashMap::new();
        for (at, product) in (0..).zip(&products) {
            for word in words(&product.name) {
                for triple in triples(&word) {
                    let held = holders.entry(triple).or_default();
                    if held.last() != Some(&at) {
                        held.push(at);
                    }
                }
            }
        }
        Index { products, holders }
    }

    /// The products that have enough in common with `query`; those with the most first, then the cheapest.
    pub(crate) fn find(&self, query: &[String]) -> Vec<&Product> {
        let mut scores = vec![0u32; self.products.len()];
        let mut most = 0;
        for triple in query.iter().flat_map(|word| triples(word)) {
            most += 1;
            for &at in self.holders.get(&triple).into_iter().flatten() {
                scores[at as usize] += 1;
            }
        }
        let enough = |score: u32| score * 100 >= most * ENOUGH_PERCENT;
        let mut found: Vec<(u32, &Product)> =
            scores.into_iter().zip(&self.products).filter(|(score, _)| enough(*score)).collect();
        found.sort_by_key(|(score, product)| (u32::MAX - score, product.cents));
        found.into_iter().map(|(_, product)| product).collect()
    }
}

/// Each three characters in a row of `word`, with a space before it and behind it.
fn triples(word: &str) -> Vec<[char; 3]> {
    let mut padded = vec![' '];
    padded.extend(word.chars());
    padded.push(' ');
    padded.windows(3).map(|triple| [triple[0], triple[1], triple[2]]).collect()
}
