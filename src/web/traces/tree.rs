//! The tree of a trace: which span hangs below which, what each took by itself, what it cost with all that it caused, and
//! the path that decided how long the trace took. Pure: it takes spans as they are, with parents that are missing, ids that
//! come twice, circles and clocks that disagree.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use crate::units::{Money, MoneyError};

/// An amount for each currency: amounts of different currencies are never added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::web) struct Cost(pub(in crate::web) BTreeMap<String, Money>);

/// A span as the tree needs it.
#[derive(Debug, Clone, Default)]
pub(in crate::web) struct Part {
    pub(in crate::web) id: String,
    /// None for a root.
    pub(in crate::web) parent: Option<String>,
    /// Nanoseconds.
    pub(in crate::web) start: i64,
    /// Nanoseconds; what ends before it starts took no time.
    pub(in crate::web) end: i64,
    /// Its own list cost.
    pub(in crate::web) cost: Cost,
}

/// A span in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::web) struct Node {
    /// Its place among the parts.
    pub(in crate::web) part: usize,
    /// The place of its parent among the nodes; none at the root level.
    pub(in crate::web) parent: Option<usize>,
    /// 0 at the root level.
    pub(in crate::web) depth: usize,
    /// How many nodes follow that hang below it.
    pub(in crate::web) below: usize,
    /// Nanoseconds that no child of it took.
    pub(in crate::web) own_ns: i64,
    /// Nanoseconds of the critical path that are its own.
    pub(in crate::web) critical_ns: i64,
    /// Whether the critical path leads through it.
    pub(in crate::web) is_critical: bool,
    /// Its own cost and that of all below it.
    pub(in crate::web) cost: Cost,
    /// Why it is at the root level, where it has a parent.
    pub(in crate::web) uprooted: Option<Uprooted>,
}

/// Why a span with a parent is at the root level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum Uprooted {
    /// The parent is not there.
    Missing,
    /// It is its own ancestor.
    Circle,
}

/// The tree: nodes with each parent before its children, and these by their start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::web) struct Tree {
    pub(in crate::web) nodes: Vec<Node>,
    /// From the first start to the last end, nanoseconds.
    pub(in crate::web) start: i64,
    pub(in crate::web) end: i64,
}

impl Cost {
    /// One amount.
    pub(in crate::web) fn of(currency: &str, amount: Money) -> Self {
        Self(BTreeMap::from([(currency.to_owned(), amount)]))
    }

    /// Adds each amount to that of its currency.
    pub(in crate::web) fn add(&mut self, other: &Self) -> Result<(), MoneyError> {
        for (currency, amount) in &other.0 {
            let sum = self.0.entry(currency.clone()).or_insert(Money::ZERO);
            *sum = sum.checked_add(*amount)?;
        }
        Ok(())
    }
}

impl Tree {
    /// The tree of these spans; fails only where a sum of costs leaves its range.
    pub(in crate::web) fn of(parts: &[Part]) -> Result<Self, MoneyError> {
        let mut nodes = arrange(parts);
        let start = parts.iter().map(|part| part.start).min().unwrap_or(0);
        let end = parts.iter().map(Part::finish).max().unwrap_or(0);
        own_times(parts, &mut nodes);
        critical_path(parts, &mut nodes, start, end);
        for at in (0..nodes.len()).rev() {
            let mut cost = std::mem::take(&mut nodes[at].cost);
            cost.add(&parts[nodes[at].part].cost)?;
            if let Some(parent) = nodes[at].parent {
                nodes[parent].cost.add(&cost)?;
                nodes[parent].below += nodes[at].below + 1;
            }
            nodes[at].cost = cost;
        }
        Ok(Self { nodes, start, end })
    }
}

impl Part {
    fn finish(&self) -> i64 {
        self.end.max(self.start)
    }
}

/// The nodes in order, with parent and depth.
fn arrange(parts: &[Part]) -> Vec<Node> {
    let mut places: HashMap<&str, usize> = HashMap::with_capacity(parts.len());
    for (at, part) in parts.iter().enumerate() {
        places.entry(&part.id).or_insert(at);
    }
    let parent = |part: &Part| places.get(part.parent.as_deref()?).copied();
    let mut by_start: Vec<usize> = (0..parts.len()).collect();
    by_start.sort_by_key(|at| (parts[*at].start, Reverse(parts[*at].finish()), *at));
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); parts.len()];
    let mut heads = Vec::new();
    for at in by_start.iter().copied() {
        match (parent(&parts[at]), &parts[at].parent) {
            (Some(above), _) => children[above].push(at),
            (None, Some(_)) => heads.push((at, Some(Uprooted::Missing))),
            (None, None) => heads.push((at, None)),
        }
    }
    // What no head leads to goes round in a circle: the first of it is put at the root level.
    let circles = by_start.into_iter().map(|at| (at, Some(Uprooted::Circle)));
    let mut is_placed = vec![false; parts.len()];
    let mut nodes: Vec<Node> = Vec::with_capacity(parts.len());
    for (head, uprooted) in heads.into_iter().chain(circles) {
        let mut waiting = vec![(head, None, uprooted)];
        while let Some((part, parent, uprooted)) = waiting.pop() {
            if std::mem::replace(&mut is_placed[part], true) {
                continue;
            }
            let place = nodes.len();
            let depth = parent.map_or(0, |parent: usize| nodes[parent].depth + 1);
            nodes.push(Node::new(part, parent, depth, uprooted));
            waiting.extend(children[part].iter().rev().map(|child| (*child, Some(place), None)));
        }
    }
    nodes
}

impl Node {
    fn new(part: usize, parent: Option<usize>, depth: usize, uprooted: Option<Uprooted>) -> Self {
        Self {
            part,
            parent,
            depth,
            below: 0,
            own_ns: 0,
            critical_ns: 0,
            is_critical: false,
            cost: Cost::default(),
            uprooted,
        }
    }
}

/// What is left of each span when the times of its children are taken out, those that overlap once. Children are by their start.
fn own_times(parts: &[Part], nodes: &mut [Node]) {
    let mut covered_to: Vec<i64> = nodes.iter().map(|node| parts[node.part].start).collect();
    for node in nodes.iter_mut() {
        let part = &parts[node.part];
        node.own_ns = part.finish() - part.start;
    }
    for at in 0..nodes.len() {
        let Some(parent) = nodes[at].parent else { continue };
        let (part, above) = (&parts[nodes[at].part], &parts[nodes[parent].part]);
        let (from, to) = (part.start.max(covered_to[parent]), part.finish().min(above.finish()));
        if to > from {
            nodes[parent].own_ns -= to - from;
            covered_to[parent] = to;
        }
    }
}

/// Walks back from the end: what ended last before the moment that is looked at is what was waited for.
fn critical_path(parts: &[Part], nodes: &mut [Node], start: i64, end: i64) {
    let mut children: Vec<Vec<(usize, i64, i64)>> = vec![Vec::new(); nodes.len()];
    let mut roots = Vec::new();
    // No span counts beyond its parent: clocks disagree, and what goes on after the parent nobody waited for.
    let mut within: Vec<(i64, i64)> = Vec::with_capacity(nodes.len());
    for (at, node) in nodes.iter().enumerate() {
        let part = &parts[node.part];
        let (from, to) = node.parent.map_or((start, end), |parent| within[parent]);
        let (begin, finish) = (part.start.clamp(from, to), part.finish().clamp(from, to));
        within.push((begin, finish));
        if finish > begin {
            match node.parent {
                Some(parent) => children[parent].push((at, begin, finish)),
                None => roots.push((at, begin, finish)),
            }
        }
    }
    let mut waiting: Vec<(usize, i64, i64)> = Vec::new();
    let (_nobody_s, first) = waited_for(roots, start, end);
    waiting.extend(first);
    while let Some((at, begin, finish)) = waiting.pop() {
        let (own, next) = waited_for(std::mem::take(&mut children[at]), begin, finish);
        nodes[at].is_critical = true;
        nodes[at].critical_ns = own;
        waiting.extend(next);
    }
}

/// Of these spans those that were waited for, one after the other, between two times; and what time is left between them.
fn waited_for(mut spans: Vec<(usize, i64, i64)>, begin: i64, end: i64) -> (i64, Vec<(usize, i64, i64)>) {
    spans.sort_by_key(|(at, _, finish)| (Reverse(*finish), *at));
    let (mut moment, mut left, mut found) = (end, 0, Vec::new());
    for (at, from, to) in spans {
        if to <= moment {
            left += moment - to;
            moment = from;
            found.push((at, from, to));
        }
    }
    (left + moment - begin, found)
}

#[cfg(test)]
mod tests;
