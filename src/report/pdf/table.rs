//! Tables on pages: columns of fixed widths whose texts are broken into lines, heads that come again on each page, rows that
//! are never cut by a page's end.

use super::page::{BODY, Composer, Ink, LEADING, MARGIN, Mark, Part, Role, SMALL, STRONG, Style, WIDTH};

/// Lines of a cell, at most: a longer text ends in an ellipsis.
const CELL_LINES: usize = 10;
/// Room between columns.
const GAP: f32 = 8.0;
/// Room above and below a row's texts.
const PADDING: f32 = 2.5;

/// A column: what its head says, how wide it is, and whether its texts end at its right.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) width: f32,
    pub(super) right: bool,
}

/// What is in a row's column: texts one below the other.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell(Vec<(String, Style)>);

/// How a row looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// A rule below.
    Plain,
    /// A rule above and bold texts.
    Sum,
    /// Like a sum, with a heavy rule and a band.
    Total,
    /// On a band, over the whole width: what the rows below it are of.
    Group,
}

/// A table that is being written.
pub(super) struct Table<'c> {
    columns: &'c [Column],
    part: Part,
}

impl Cell {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self(vec![(text.into(), BODY)])
    }

    pub(super) fn strong(text: impl Into<String>) -> Self {
        Self(vec![(text.into(), STRONG)])
    }

    /// The same with a smaller text below.
    pub(super) fn note(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        if !text.is_empty() {
            self.0.push((text, SMALL));
        }
        self
    }
}

impl<'c> Table<'c> {
    /// Begins a table with its head.
    pub(super) fn begin(composer: &mut Composer<'_>, columns: &'c [Column]) -> Self {
        let part = composer.part(Role::Table, composer.root());
        let table = Self { columns, part };
        composer.make_room(60.0);
        let row = composer.part(Role::Row, part);
        table.head(composer, Some(row));
        table
    }

    /// A row of the table. What there are no cells for is empty.
    pub(super) fn row(&self, composer: &mut Composer<'_>, look: Look, cells: &[Cell]) {
        let widths: Vec<f32> = match look {
            Look::Group => vec![WIDTH - 2.0 * GAP],
            _ => self.columns.iter().map(|column| column.width - GAP).collect(),
        };
        let cells: Vec<Vec<(String, Style)>> =
            cells.iter().zip(&widths).map(|(cell, width)| broken(composer, cell, *width)).collect();
        let height = cells.iter().map(|lines| height(lines)).fold(0.0, f32::max) + 2.0 * PADDING;
        // What a group is of stands with its first row.
        let needed = if look == Look::Group { height + 30.0 } else { height };
        if !composer.fits(needed) {
            composer.new_page();
            self.head(composer, None);
        }
        self.background(composer, look, height);
        let row = composer.part(Role::Row, self.part);
        let mut x = MARGIN;
        for (at, lines) in cells.iter().enumerate() {
            let column = self.columns[at];
            if lines.is_empty() {
                x += column.width;
                continue;
            }
            let span = self.span(&cells, at);
            let cell = composer.part(if at == 0 { Role::RowHead(span) } else { Role::Cell(span) }, row);
            let mut y = composer.y + PADDING;
            for (line, style) in lines {
                y += style.size;
                if column.right && look != Look::Group {
                    composer.text_to(x + column.width - GAP / 2.0, y, *style, line, Some(cell));
                } else {
                    composer.text(x + GAP / 2.0, y, *style, line, Some(cell));
                }
                y += style.size * (LEADING - 1.0);
            }
            x += column.width;
        }
        composer.y += height;
        if look == Look::Plain {
            composer.rule(composer.y, 0.4, Ink::Rule);
            composer.y += 0.4;
        }
    }

    /// Columns that the cell stands for: its own and the empty ones behind it.
    fn span(&self, cells: &[Vec<(String, Style)>], at: usize) -> u32 {
        let next = cells.iter().skip(at + 1).position(|lines| !lines.is_empty());
        let columns = next.map_or(self.columns.len() - at, |empty| empty + 1);
        u32::try_from(columns).unwrap_or(u32::MAX)
    }

    fn background(&self, composer: &mut Composer<'_>, look: Look, height: f32) {
        let y = composer.y;
        match look {
            Look::Plain => {}
            Look::Sum => composer.rule(y, 0.6, Ink::Black),
            Look::Total => {
                composer.mark(Mark::Fill { x: MARGIN, y, width: WIDTH, height, ink: Ink::Band });
                composer.rule(y, 1.2, Ink::Black);
            }
            Look::Group => composer.mark(Mark::Fill { x: MARGIN, y, width: WIDTH, height, ink: Ink::Band }),
        }
    }

    /// The columns' titles; `row` is none where they come again.
    fn head(&self, composer: &mut Composer<'_>, row: Option<Part>) {
        let style = Style { ink: Ink::Soft, ..STRONG };
        let y = composer.y + style.size + PADDING;
        let mut x = MARGIN;
        for column in self.columns {
            let cell = row.map(|row| composer.part(Role::ColumnHead, row));
            if column.right {
                composer.text_to(x + column.width - GAP / 2.0, y, style, column.title, cell);
            } else {
                composer.text(x + GAP / 2.0, y, style, column.title, cell);
            }
            x += column.width;
        }
        composer.y = y + PADDING + style.size * (LEADING - 1.0);
        composer.rule(composer.y, 0.8, Ink::Black);
        composer.y += 1.2;
    }
}

/// The cell's texts in lines that fit its width.
fn broken(composer: &Composer<'_>, cell: &Cell, width: f32) -> Vec<(String, Style)> {
    let lines = cell.0.iter().flat_map(|(text, style)| {
        let mut lines = composer.wrap(text, *style, width);
        if lines.len() > CELL_LINES {
            lines.truncate(CELL_LINES);
            if let Some(last) = lines.last_mut() {
                last.pop();
                last.push('…');
            }
        }
        lines.into_iter().map(|line| (line, *style)).collect::<Vec<_>>()
    });
    lines.collect()
}

fn height(lines: &[(String, Style)]) -> f32 {
    lines.iter().map(|(_, style)| style.size * LEADING).sum()
}
