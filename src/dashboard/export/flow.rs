//! Finds the places of panels that are only said to follow each other: in reading order on 24 columns, each in the row where
//! there is room.

use crate::dashboard::{GRID_COLUMNS, Panel};

/// Where a panel is, in columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) w: u32,
    pub(super) h: u32,
}

/// The place of each panel. A row is as high as its highest panel.
pub(super) fn places(panels: &[Panel]) -> Vec<Place> {
    let (mut x, mut y, mut row) = (0, 0, 0);
    let mut place = |panel: &Panel| {
        let (w, h) = (panel.grid.w.clamp(1, GRID_COLUMNS), panel.grid.h.max(1));
        if x + w > GRID_COLUMNS {
            (x, y, row) = (0, y + row, 0);
        }
        let place = Place { x, y, w, h };
        (x, row) = (x + w, row.max(h));
        place
    };
    panels.iter().map(&mut place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_follow_each_other() {
        let sizes = [(12, 4), (12, 7), (24, 3), (16, 2), (12, 2)];
        let panel = |(w, h): (u32, u32)| -> Panel {
            let text =
                format!("id = \"a\"\ntitle = \"A\"\nkind = \"Table\"\nquery = \"q\"\ngrid = {{ w = {w}, h = {h} }}");
            toml::from_str(&text).unwrap()
        };
        let found: Vec<(u32, u32)> = places(&sizes.map(panel)).iter().map(|place| (place.x, place.y)).collect();
        assert_eq!(found, [(0, 0), (12, 0), (0, 7), (0, 10), (0, 12)]);
    }
}
