//! Prices a cart: whole cents, discounts rounded down line by line.

use std::sync::OnceLock;

use crate::cart::{Cart, Item};

const RULES: u64 = 60_000;
/// Makes a rule costly, so that a cold start can be seen: all of them together take about 20 ms.
const ROUNDS_PER_RULE: u64 = 100;
const ROUNDS_PER_ITEM: u64 = 200_000;

pub(crate) struct Quote {
    pub(crate) pieces: u64,
    pub(crate) subtotal_cents: u64,
    pub(crate) discount_cents: u64,
    pub(crate) average_cents: u64,
    /// 0 to 99.
    pub(crate) risk: u64,
}

/// Holds for all articles whose hash is at least `from` and below the next rule's.
struct Rule {
    from: u64,
    percent: u64,
}

pub(crate) fn quote(cart: &Cart) -> Quote {
    let rules = rules();
    let pieces: u64 = cart.items.iter().map(|item| item.quantity).sum();
    let subtotal_cents: u64 = cart.items.iter().map(|item| item.cents * item.quantity).sum();
    let discount_cents: u64 =
        cart.items.iter().map(|item| item.cents * item.quantity * percent(rules, item) / 100).sum();
    Quote {
        pieces,
        subtotal_cents,
        discount_cents,
        // Divides by zero when the cart is empty: see the top of `lib.rs`.
        average_cents: (subtotal_cents - discount_cents) / pieces,
        risk: cart.items.iter().map(risk).max().unwrap_or(0),
    }
}

/// The discount rules, sorted; built by the first call and kept for the next ones.
fn rules() -> &'static [Rule] {
    static RULE_TABLE: OnceLock<Vec<Rule>> = OnceLock::new();
    RULE_TABLE.get_or_init(|| {
        let mut rules: Vec<Rule> = (0..RULES)
            .map(|number| {
                let from = mixed(number, ROUNDS_PER_RULE);
                Rule { from, percent: from % 21 }
            })
            .collect();
        rules.sort_unstable_by_key(|rule| rule.from);
        kit::log("info", "discount rules built", &[("rules", rules.len().to_string())]);
        rules
    })
}

fn percent(rules: &[Rule], item: &Item) -> u64 {
    let hash = hash(&item.sku);
    let next = rules.partition_point(|rule| rule.from <= hash);
    next.checked_sub(1).map_or(0, |at| rules[at].percent)
}

/// How likely a line is fraud: a stand-in for a model, with a model's appetite for CPU.
fn risk(item: &Item) -> u64 {
    mixed(hash(&item.sku) ^ item.quantity, ROUNDS_PER_ITEM) % 100
}

/// FNV-1a, then mixed so that similar articles do not share a rule.
fn hash(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    mixed(text.bytes().fold(0xcbf2_9ce4_8422_2325, step), 2)
}

/// `value` after `rounds` of an xorshift-and-multiply mixer, each of which needs the one before.
fn mixed(value: u64, rounds: u64) -> u64 {
    (0..rounds).fold(value, |value, _| {
        let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
        (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    })
}
