//! Lays texts and rules out on pages, from top to bottom, and keeps what each text is for: the tree that a reader's software
//! reads aloud. Lengths are in points of 1/72 inch; `y` grows downwards, and a text's `y` is its base line.

use super::font::{Faces, Weight, printable};

/// A4.
pub(super) const PAGE: (f32, f32) = (595.28, 841.89);
/// Left and right of the texts.
pub(super) const MARGIN: f32 = 48.0;
/// Width of the texts.
pub(super) const WIDTH: f32 = PAGE.0 - 2.0 * MARGIN;
const TOP: f32 = 48.0;
/// Where the texts end and the footer's room begins.
const BOTTOM: f32 = PAGE.1 - 64.0;
/// Distance of lines, in sizes of the text.
pub(super) const LEADING: f32 = 1.32;

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Style {
    pub(super) weight: Weight,
    pub(super) size: f32,
    pub(super) ink: Ink,
}

/// Colours, all of which can be read on white.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Black,
    Soft,
    Rule,
    Band,
}

pub(super) const BODY: Style = Style { weight: Weight::Regular, size: 9.0, ink: Ink::Black };
pub(super) const STRONG: Style = Style { weight: Weight::Bold, ..BODY };
pub(super) const SMALL: Style = Style { size: 7.5, ink: Ink::Soft, ..BODY };

/// What a part of the document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    Document,
    Heading(u16, String),
    Paragraph,
    Table,
    Row,
    ColumnHead,
    /// Over so many columns.
    RowHead(u32),
    /// Over so many columns.
    Cell(u32),
}

/// A part of the document by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part(pub(super) usize);

/// A part: what it is, and what it is part of.
pub(super) struct Node {
    pub(super) role: Role,
    pub(super) parent: Option<Part>,
}

/// Something that is drawn.
pub(super) enum Mark {
    /// A text; without a part it is there for the page and not for the document.
    Text { x: f32, y: f32, style: Style, text: String, part: Option<Part> },
    /// A filled rectangle: a rule or a band.
    Fill { x: f32, y: f32, width: f32, height: f32, ink: Ink },
}

/// A place that a reader may jump to.
pub(super) struct Place {
    pub(super) title: String,
    pub(super) page: usize,
    pub(super) y: f32,
}

/// Pages that are being filled.
pub(super) struct Composer<'f> {
    pub(super) faces: &'f Faces,
    pages: Vec<Vec<Mark>>,
    nodes: Vec<Node>,
    places: Vec<Place>,
    /// Where the next text goes.
    pub(super) y: f32,
}

/// Pages that are full.
pub(super) struct Composed<'f> {
    pub(super) faces: &'f Faces,
    pub(super) pages: Vec<Vec<Mark>>,
    pub(super) nodes: Vec<Node>,
    pub(super) places: Vec<Place>,
}

impl<'f> Composer<'f> {
    /// An empty first page.
    pub(super) fn new(faces: &'f Faces) -> Self {
        let nodes = vec![Node { role: Role::Document, parent: None }];
        Self { faces, pages: vec![Vec::new()], nodes, places: Vec::new(), y: TOP }
    }

    /// Makes a part of the document.
    pub(super) fn part(&mut self, role: Role, parent: Part) -> Part {
        self.nodes.push(Node { role, parent: Some(parent) });
        Part(self.nodes.len() - 1)
    }

    /// The document itself.
    pub(super) fn root(&self) -> Part {
        Part(0)
    }

    /// Whether so much still fits on the page.
    pub(super) fn fits(&self, height: f32) -> bool {
        self.y + height <= BOTTOM
    }

    /// Goes to the top of a new page.
    pub(super) fn new_page(&mut self) {
        self.pages.push(Vec::new());
        self.y = TOP;
    }

    /// Goes on where so much fits.
    pub(super) fn make_room(&mut self, height: f32) {
        if !self.fits(height) {
            self.new_page();
        }
    }

    /// Draws on the page that is being filled.
    pub(super) fn mark(&mut self, mark: Mark) {
        self.pages.last_mut().expect("there is a first page").push(mark);
    }

    /// Draws a line of text whose base line is at `y`.
    pub(super) fn text(&mut self, x: f32, y: f32, style: Style, text: &str, part: Option<Part>) {
        if !text.is_empty() {
            self.mark(Mark::Text { x, y, style, text: text.to_owned(), part });
        }
    }

    /// Draws a line of text that ends at `right`.
    pub(super) fn text_to(&mut self, right: f32, y: f32, style: Style, text: &str, part: Option<Part>) {
        let width = self.width(text, style);
        self.text(right - width, y, style, text, part);
    }

    /// Draws a rule over the texts' width.
    pub(super) fn rule(&mut self, y: f32, height: f32, ink: Ink) {
        self.mark(Mark::Fill { x: MARGIN, y, width: WIDTH, height, ink });
    }

    /// Writes a heading, with room for something below it, and notes its place.
    pub(super) fn heading(&mut self, level: u16, title: &str, style: Style) {
        self.make_room(style.size * 6.0);
        self.places.extend((level <= 2).then(|| Place {
            title: title.to_owned(),
            page: self.pages.len() - 1,
            y: self.y,
        }));
        let part = self.part(Role::Heading(level, title.to_owned()), self.root());
        for line in self.wrap(title, style, WIDTH) {
            self.y += style.size;
            self.text(MARGIN, self.y, style, &line, Some(part));
            self.y += style.size * (LEADING - 1.0);
        }
        self.y += style.size * 0.35;
    }

    /// Writes a paragraph over the texts' width.
    pub(super) fn paragraph(&mut self, text: &str, style: Style) {
        let part = self.part(Role::Paragraph, self.root());
        for line in self.wrap(text, style, WIDTH) {
            self.make_room(style.size * LEADING);
            self.y += style.size;
            self.text(MARGIN, self.y, style, &line, Some(part));
            self.y += style.size * (LEADING - 1.0);
        }
    }

    /// Width of a line of text.
    pub(super) fn width(&self, text: &str, style: Style) -> f32 {
        self.faces.of(style.weight).width(text, style.size)
    }

    /// The text in lines that are no wider: broken at its own line ends, at spaces, behind `-_/.:` where a word is too long, and
    /// anywhere where that is not enough.
    pub(super) fn wrap(&self, text: &str, style: Style, width: f32) -> Vec<String> {
        let face = self.faces.of(style.weight);
        let mut lines = Vec::new();
        for paragraph in text.lines() {
            let mut line = String::new();
            for word in printable(face, paragraph).split(' ').filter(|word| !word.is_empty()) {
                let gap = if line.is_empty() { "" } else { " " };
                if self.width(&format!("{line}{gap}{word}"), style) <= width {
                    line = line + gap + word;
                    continue;
                }
                if !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                }
                line = self.break_word(word, style, width, &mut lines);
            }
            lines.push(line);
        }
        lines
    }

    /// Pushes the full lines of a word and gives back what is left for the next.
    fn break_word(&self, word: &str, style: Style, width: f32, lines: &mut Vec<String>) -> String {
        let mut line = String::new();
        for c in word.chars() {
            line.push(c);
            if self.width(&line, style) > width && line.chars().count() > 1 {
                line.pop();
                let at = line.rfind(['-', '_', '/', '.', ':', ',']).map(|at| at + 1);
                let rest = line.split_off(at.filter(|at| *at > line.len() / 2).unwrap_or(line.len()));
                lines.push(std::mem::replace(&mut line, rest));
                line.push(c);
            }
        }
        line
    }

    /// Writes footer and number on every page.
    pub(super) fn number_pages(&mut self, footer: &str) {
        let count = self.pages.len();
        let lines = self.wrap(footer, SMALL, WIDTH - 50.0);
        for page in 0..count {
            let first = BOTTOM + 22.0;
            let mut marks = vec![Mark::Fill { x: MARGIN, y: first - 12.0, width: WIDTH, height: 0.5, ink: Ink::Rule }];
            for (line, at) in lines.iter().zip(0_u16..) {
                let y = first + f32::from(at) * SMALL.size * LEADING;
                marks.push(Mark::Text { x: MARGIN, y, style: SMALL, text: line.clone(), part: None });
            }
            let number = format!("{} / {count}", page + 1);
            let x = MARGIN + WIDTH - self.width(&number, SMALL);
            marks.push(Mark::Text { x, y: first, style: SMALL, text: number, part: None });
            self.pages[page].extend(marks);
        }
    }

    pub(super) fn finish(self) -> Composed<'f> {
        Composed { faces: self.faces, pages: self.pages, nodes: self.nodes, places: self.places }
    }
}
