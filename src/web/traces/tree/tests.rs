//! Trees of spans as they come: in order, overlapping, orphaned, in circles, by clocks that disagree.

use proptest::prelude::*;

use super::*;

fn part(id: &str, parent: &str, start: i64, end: i64) -> Part {
    let parent = (!parent.is_empty()).then(|| parent.to_owned());
    Part { id: id.to_owned(), parent, start, end, cost: Cost::default() }
}

fn priced(id: &str, parent: &str, currency: &str, units: i128) -> Part {
    Part { cost: Cost::of(currency, Money::from_units(units).unwrap()), ..part(id, parent, 0, 10) }
}

/// Id, depth, own time and time on the critical path of each.
fn shape<'a>(parts: &'a [Part], tree: &Tree) -> Vec<(&'a str, usize, i64, i64)> {
    let of = |node: &Node| (parts[node.part].id.as_str(), node.depth, node.own_ns, node.critical_ns);
    tree.nodes.iter().map(of).collect()
}

#[test]
fn children_follow_their_parents_by_start() {
    let parts = [
        part("c", "a", 60, 90),
        part("a", "", 0, 100),
        part("b", "a", 10, 40),
        part("d", "b", 20, 30),
        part("e", "a", 30, 50),
    ];
    let tree = Tree::of(&parts).unwrap();
    // b and e overlap for 10; e ended last before c began.
    let expected = [("a", 0, 30, 50), ("b", 1, 20, 0), ("d", 2, 10, 0), ("e", 1, 20, 20), ("c", 1, 30, 30)];
    assert_eq!(shape(&parts, &tree), expected);
    assert_eq!(tree.nodes.iter().map(|node| node.below).collect::<Vec<_>>(), [4, 1, 0, 0, 0]);
    assert_eq!((tree.start, tree.end), (0, 100));
}

#[test]
fn costs_are_added_up_by_currency() {
    let parts = [
        priced("a", "", "USD", 1),
        priced("b", "a", "USD", 20),
        priced("c", "b", "USD", 300),
        priced("d", "b", "EUR", 7),
        part("e", "a", 0, 1),
    ];
    let tree = Tree::of(&parts).unwrap();
    let of = |id: &str| tree.nodes.iter().find(|node| parts[node.part].id == id).unwrap().cost.clone();
    let money = |units| Money::from_units(units).unwrap();
    assert_eq!(of("a").0, BTreeMap::from([("USD".to_owned(), money(321)), ("EUR".to_owned(), money(7))]));
    assert_eq!(of("b").0, BTreeMap::from([("USD".to_owned(), money(320)), ("EUR".to_owned(), money(7))]));
    assert!(of("e").0.is_empty(), "no invocation is no cost, not 0");
}

#[test]
fn what_has_no_parent_there_is_at_the_root_level() {
    let parts = [part("a", "gone", 5, 9), part("b", "", 0, 4), part("c", "a", 6, 7)];
    let tree = Tree::of(&parts).unwrap();
    assert_eq!(shape(&parts, &tree), [("b", 0, 4, 4), ("a", 0, 3, 3), ("c", 1, 1, 1)]);
    let uprooted: Vec<_> = tree.nodes.iter().map(|node| node.uprooted).collect();
    assert_eq!(uprooted, [None, Some(Uprooted::Missing), None]);
}

#[test]
fn circles_are_broken_and_ids_may_come_twice() {
    let parts =
        [part("x", "y", 3, 4), part("y", "x", 1, 2), part("s", "s", 0, 1), part("t", "", 0, 9), part("t", "", 2, 3)];
    let tree = Tree::of(&parts).unwrap();
    assert_eq!(tree.nodes.len(), parts.len());
    let circles: Vec<&str> = tree
        .nodes
        .iter()
        .filter(|node| node.uprooted == Some(Uprooted::Circle))
        .map(|node| parts[node.part].id.as_str())
        .collect();
    assert_eq!(circles, ["s", "y"], "the first of each is at the root level");
}

#[test]
fn clocks_that_disagree_take_nothing_away() {
    // The child seems to begin before its parent and to end after it; another took less than no time.
    let parts = [part("a", "", 100, 200), part("b", "a", 50, 120), part("c", "a", 190, 400), part("d", "a", 150, 140)];
    let tree = Tree::of(&parts).unwrap();
    assert_eq!(shape(&parts, &tree), [("a", 0, 70, 70), ("b", 1, 70, 20), ("d", 1, 0, 0), ("c", 1, 210, 10)]);
    assert_eq!((tree.start, tree.end), (50, 400));
}

#[test]
fn nothing_has_a_tree_too() {
    assert_eq!(Tree::of(&[]).unwrap(), Tree { nodes: Vec::new(), start: 0, end: 0 });
}

#[test]
fn ten_thousand_below_each_other_fit() {
    let parts: Vec<Part> =
        (0..10_000).map(|n: i64| part(&n.to_string(), &(n - 1).to_string(), n, 20_000 - n)).collect();
    let tree = Tree::of(&parts).unwrap();
    assert_eq!((tree.nodes[9_999].depth, tree.nodes[0].below), (9_999, 9_999));
}

fn any_parts() -> impl Strategy<Value = Vec<Part>> {
    let one = (0..12_u8, proptest::option::of(0..14_u8), -50..50_i64, -5..60_i64, proptest::option::of(0..1_000_i128));
    proptest::collection::vec(one, 0..40).prop_map(|all| {
        let make = |(id, parent, start, length, cost): (u8, Option<u8>, i64, i64, Option<i128>)| Part {
            id: id.to_string(),
            parent: parent.map(|id| id.to_string()),
            start,
            end: start + length,
            cost: cost.map_or_else(Cost::default, |units| Cost::of("USD", Money::from_units(units).unwrap())),
        };
        all.into_iter().map(make).collect()
    })
}

proptest! {
    #[test]
    fn every_span_has_one_place_and_sums_are_whole(parts in any_parts()) {
        let tree = Tree::of(&parts).unwrap();
        let mut places: Vec<usize> = tree.nodes.iter().map(|node| node.part).collect();
        places.sort_unstable();
        prop_assert_eq!(places, (0..parts.len()).collect::<Vec<_>>());
        let (mut all, mut roots) = (Cost::default(), Cost::default());
        for part in &parts {
            all.add(&part.cost).unwrap();
        }
        for (at, node) in tree.nodes.iter().enumerate() {
            let length = parts[node.part].finish() - parts[node.part].start;
            prop_assert!((0..=length).contains(&node.own_ns), "{:?}", node);
            prop_assert!((0..=length).contains(&node.critical_ns), "{:?}", node);
            let below = &tree.nodes[at + 1..=at + node.below];
            prop_assert!(below.iter().all(|other| other.depth > node.depth));
            prop_assert!(tree.nodes.get(at + node.below + 1).is_none_or(|next| next.depth <= node.depth));
            match node.parent {
                Some(parent) => {
                    let above = &tree.nodes[parent];
                    prop_assert!(parent < at && above.depth + 1 == node.depth && above.below > node.below);
                    prop_assert_eq!(parts[node.part].parent.as_ref(), Some(&parts[above.part].id));
                }
                None => roots.add(&node.cost).unwrap(),
            }
        }
        prop_assert_eq!(roots, all, "the roots' costs are those of all");
        let path: i64 = tree.nodes.iter().map(|node| node.critical_ns).sum();
        prop_assert!(path <= tree.end - tree.start);
        let single = tree.nodes.iter().filter(|node| node.parent.is_none()).count() == 1;
        if single && parts[tree.nodes[0].part].start == tree.start && parts[tree.nodes[0].part].finish() == tree.end {
            prop_assert_eq!(path, tree.end - tree.start, "below one root the path is as long as the trace");
        }
    }
}
