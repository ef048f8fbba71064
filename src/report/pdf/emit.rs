//! Writes composed pages as PDF/A-2a with tags (PDF/UA-1). It decides no place of anything.

use std::num::{NonZeroU16, NonZeroU32};

use krilla::configure::{Accessibility, Archival, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata, TextDirection};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, Node as TagNode, SpanTag, TableHeaderScope, Tag, TagGroup, TagKind,
    TagTree,
};
use krilla::{Document, SerializeSettings, color::rgb};

use crate::billing::Head;
use crate::report::lines::Lines;
use crate::report::shown;

use super::font::Faces;
use super::page::{Composed, Ink, Mark, Node, PAGE, Place, Role};

pub(super) fn write(pages: Composed<'_>, lines: &Lines<'_>, head: &Head, id: &str) -> Result<Vec<u8>, String> {
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A2_A)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|error| format!("{error:?}"))?;
    let mut document = Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
    document.set_metadata(metadata(lines, head, id));
    document.set_outline(outline(&pages.places));
    let mut marked: Vec<Vec<Identifier>> = pages.nodes.iter().map(|_| Vec::new()).collect();
    for marks in &pages.pages {
        let settings = PageSettings::from_wh(PAGE.0, PAGE.1).ok_or("a page has no size")?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        for mark in marks {
            draw(&mut surface, pages.faces, mark, &mut marked);
        }
        surface.finish();
        page.finish();
    }
    document.set_tag_tree(tree(&pages.nodes, marked));
    document.finish().map_err(|error| format!("{error:?}"))
}

fn draw(surface: &mut Surface<'_>, faces: &Faces, mark: &Mark, marked: &mut [Vec<Identifier>]) {
    match mark {
        Mark::Fill { x, y, width, height, ink } => {
            let Some(rect) = Rect::from_xywh(*x, *y, *width, *height) else { return };
            let mut path = PathBuilder::new();
            path.push_rect(rect);
            if let Some(path) = path.finish() {
                surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)));
                surface.set_fill(Some(fill(*ink)));
                surface.draw_path(&path);
                surface.end_tagged();
            }
        }
        Mark::Text { x, y, style, text, part } => {
            let tag = match part {
                Some(_) => ContentTag::Span(SpanTag::empty()),
                None => ContentTag::Artifact(Artifact::with_kind(ArtifactType::PaginationOther)),
            };
            let content = surface.start_tagged(tag);
            surface.set_fill(Some(fill(style.ink)));
            let face = faces.of(style.weight);
            let glyphs = face.shape(text);
            surface.draw_glyphs(Point::from_xy(*x, *y), &glyphs, face.font.clone(), text, style.size, false);
            surface.end_tagged();
            if let Some(part) = part {
                marked[part.0].push(content);
            }
        }
    }
}

fn fill(ink: Ink) -> Fill {
    let (red, green, blue) = match ink {
        Ink::Black => (0x16, 0x1b, 0x22),
        Ink::Soft => (0x57, 0x60, 0x6a),
        Ink::Rule => (0xd0, 0xd7, 0xde),
        Ink::Band => (0xf3, 0xf5, 0xf7),
    };
    Fill { paint: rgb::Color::new(red, green, blue).into(), ..Fill::default() }
}

fn metadata(lines: &Lines<'_>, head: &Head, id: &str) -> Metadata {
    let report = lines.report;
    let first_line = |text: &Option<String>| text.as_deref().and_then(|text| text.lines().next().map(str::to_owned));
    let mut metadata = Metadata::new()
        .title(format!("{} {}", shown::title(&report.kind), lines.period))
        .description(id.to_owned())
        .creator(format!("Faremeter {}", report.sources.engine))
        .language("en".to_owned())
        .text_direction(TextDirection::LeftToRight)
        .document_id(id.to_owned())
        .creation_date(end_of_month(&report.month.next().to_string()));
    if let Some(issuer) = first_line(&head.issuer) {
        metadata = metadata.authors(vec![issuer]);
    }
    metadata
}

/// The first moment of the month after: `2026-04` is 1 April 2026.
fn end_of_month(next: &str) -> DateTime {
    let (year, month) = next.split_once('-').unwrap_or((next, "01"));
    let date = DateTime::new(year.parse().unwrap_or_default());
    date.month(month.parse().unwrap_or(1)).day(1).hour(0).minute(0).second(0).utc_offset_hour(0)
}

fn outline(places: &[Place]) -> Outline {
    let mut outline = Outline::new();
    for place in places {
        let to = XyzDestination::new(place.page, Point::from_xy(0.0, place.y));
        outline.push_child(OutlineNode::new(place.title.clone(), to));
    }
    outline
}

/// The document's parts with what is drawn for each. A part comes before those that are part of it.
fn tree(nodes: &[Node], marked: Vec<Vec<Identifier>>) -> TagTree {
    let mut children: Vec<Vec<TagNode>> =
        marked.into_iter().map(|contents| contents.into_iter().map(TagNode::from).collect()).collect();
    // From the last to the first, so that each is whole when it is handed to what it is part of.
    for at in (1..nodes.len()).rev() {
        // They were handed over last first.
        let mut own = std::mem::take(&mut children[at]);
        let contents = own.iter().take_while(|node| matches!(node, TagNode::Leaf(_))).count();
        own[contents..].reverse();
        let mut group = TagGroup::new(tag(&nodes[at].role));
        group.children = own;
        if let Some(parent) = nodes[at].parent {
            children[parent.0].push(group.into());
        }
    }
    let mut top = std::mem::take(&mut children[0]);
    top.reverse();
    let mut tree = TagTree::new();
    top.into_iter().for_each(|node| tree.push(node));
    tree
}

fn tag(role: &Role) -> TagKind {
    match role {
        Role::Document => Tag::Div.into(),
        Role::Heading(level, title) => {
            Tag::Hn(NonZeroU16::new(*level).unwrap_or(NonZeroU16::MIN), Some(title.clone())).into()
        }
        Role::Paragraph => Tag::P.into(),
        Role::Table => Tag::Table.into(),
        Role::Row => Tag::TR.into(),
        Role::ColumnHead => Tag::TH(TableHeaderScope::Column).into(),
        Role::RowHead(columns) => Tag::TH(TableHeaderScope::Row).with_col_span(span(*columns)).into(),
        Role::Cell(columns) => Tag::TD.with_col_span(span(*columns)).into(),
    }
}

/// One column is what a cell has unsaid.
fn span(columns: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(columns).filter(|columns| columns.get() > 1)
}
