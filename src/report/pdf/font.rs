//! The two fonts, and the widths of their characters, read from the fonts' own tables: the library that writes the PDF draws
//! glyphs and tells no widths. One glyph for each character, no kerning, no ligatures: so a text is as wide as it was measured.

use std::collections::HashMap;

use krilla::text::{Font, GlyphId, KrillaGlyph};

/// A weight of the one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// Both weights.
pub(super) struct Faces {
    regular: Face,
    bold: Face,
}

/// A font that can be measured.
pub(super) struct Face {
    pub(super) font: Font,
    /// Glyph and width (in em) of each character that the font has.
    glyphs: HashMap<char, (u16, f32)>,
}

impl Faces {
    pub(super) fn new() -> Self {
        Self { regular: Face::new(ttf_noto_sans::REGULAR), bold: Face::new(ttf_noto_sans::BOLD) }
    }

    pub(super) fn of(&self, weight: Weight) -> &Face {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }
}

impl Face {
    fn new(data: &'static [u8]) -> Self {
        let font = Font::new(data.into(), 0).expect("the font is part of the program");
        let glyphs = glyphs(data).expect("the font is part of the program and has the tables that are read");
        Self { font, glyphs }
    }

    /// Whether the font has a glyph for it.
    pub(super) fn has(&self, c: char) -> bool {
        self.glyphs.contains_key(&c)
    }

    /// Width of the text at this size, in points.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        text.chars().filter_map(|c| self.glyphs.get(&c)).map(|(_, width)| width * size).sum()
    }

    /// The text's glyphs, as they are drawn.
    pub(super) fn shape(&self, text: &str) -> Vec<KrillaGlyph> {
        let glyph = |(at, c): (usize, char)| {
            let (id, width) = self.glyphs.get(&c).copied()?;
            let range = at..at + c.len_utf8();
            Some(KrillaGlyph::new(GlyphId::new(u32::from(id)), width, 0.0, 0.0, 0.0, range, None))
        };
        text.char_indices().filter_map(glyph).collect()
    }
}

/// The text as the fonts can show it: white space is a space, and what has no glyph is told by its code point.
pub(super) fn printable(face: &Face, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            _ if c.is_whitespace() || c.is_control() => out.push(' '),
            _ if face.has(c) => out.push(c),
            _ => out.push_str(&format!("[U+{:04X}]", u32::from(c))),
        }
    }
    out
}

/// Glyph and width in em of each character of the basic plane, from the tables `cmap`, `hmtx`, `hhea` and `head`.
fn glyphs(data: &[u8]) -> Option<HashMap<char, (u16, f32)>> {
    let (head, hhea, hmtx) = (table(data, b"head")?, table(data, b"hhea")?, table(data, b"hmtx")?);
    let em = f32::from(u16_at(head, 18)?);
    let metrics = usize::from(u16_at(hhea, 34)?);
    // Glyphs behind the last metric have that one's width.
    let width = |glyph: u16| u16_at(hmtx, usize::from(glyph).min(metrics.checked_sub(1)?) * 4);
    let mapped = characters(table(data, b"cmap")?)?;
    let glyph = |(c, glyph): (char, u16)| Some((c, (glyph, f32::from(width(glyph)?) / em)));
    mapped.into_iter().map(glyph).collect()
}

/// A table of the font by its tag.
fn table<'a>(data: &'a [u8], tag: &[u8; 4]) -> Option<&'a [u8]> {
    let count = usize::from(u16_at(data, 4)?);
    let record = (0..count).map(|index| 12 + index * 16).find(|at| data.get(*at..at + 4) == Some(tag))?;
    let (offset, length) = (u32_at(data, record + 8)?, u32_at(data, record + 12)?);
    data.get(offset..offset + length)
}

/// Characters and their glyphs, from the sub-table of Unicode's basic plane (format 4).
fn characters(cmap: &[u8]) -> Option<Vec<(char, u16)>> {
    let count = usize::from(u16_at(cmap, 2)?);
    let unicode = (0..count).map(|index| 4 + index * 8).find(|at| {
        let offset = u32_at(cmap, at + 4).unwrap_or(usize::MAX);
        u16_at(cmap, *at) == Some(3) && u16_at(cmap, at + 2) == Some(1) && u16_at(cmap, offset) == Some(4)
    })?;
    let map = cmap.get(u32_at(cmap, unicode + 4)?..)?;
    let doubled = usize::from(u16_at(map, 6)?);
    let (ends, starts) = (14, 16 + doubled);
    let (deltas, offsets) = (starts + doubled, starts + 2 * doubled);
    let mut found = Vec::new();
    for segment in (0..doubled).step_by(2) {
        let (first, last) = (u16_at(map, starts + segment)?, u16_at(map, ends + segment)?);
        let (delta, offset) = (u16_at(map, deltas + segment)?, u16_at(map, offsets + segment)?);
        for code in first..=last {
            let glyph = match offset {
                0 => code.wrapping_add(delta),
                _ => {
                    let at = offsets + segment + usize::from(offset) + 2 * usize::from(code - first);
                    // The last segment ends the list and may point nowhere.
                    match u16_at(map, at) {
                        Some(glyph) if glyph != 0 => glyph.wrapping_add(delta),
                        _ => 0,
                    }
                }
            };
            found.extend(char::from_u32(u32::from(code)).filter(|_| glyph != 0).map(|c| (c, glyph)));
        }
    }
    Some(found)
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    data.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes)
}

fn u32_at(data: &[u8], at: usize) -> Option<usize> {
    data.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes).and_then(|value| usize::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_have_the_widths_of_the_font() {
        let faces = Faces::new();
        let face = faces.of(Weight::Regular);
        // Noto Sans: digits are 572 of 1,000, whatever the digit; an "i" is narrower, a "W" wider.
        for digit in '0'..='9' {
            assert!((face.width(&digit.to_string(), 1_000.0) - 572.0).abs() < 0.5, "{digit}");
        }
        assert!(face.width("i", 1.0) < face.width("n", 1.0) && face.width("n", 1.0) < face.width("W", 1.0));
        assert!(faces.of(Weight::Bold).width("total", 9.0) > face.width("total", 9.0));
        assert_eq!(face.shape("añ€").len(), 3);
    }

    #[test]
    fn what_the_font_lacks_is_told() {
        let faces = Faces::new();
        assert_eq!(printable(faces.of(Weight::Regular), "Grüße\t№ 東"), "Grüße № [U+6771]");
    }
}
