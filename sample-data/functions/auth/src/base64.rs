//! base64url without padding, as tokens have it (RFC 4648, section 5).

/// The bytes that `text` stands for.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    for group in text.as_bytes().chunks(4) {
        let bits = group.iter().try_fold(0, |bits, &c| Some(bits << 6 | sextet(c)?))?;
        // Four characters hold three bytes; two hold one and three two, with the bits left over not set.
        let spare = group.len() * 6 % 8;
        if group.len() == 1 || bits & ((1 << spare) - 1) != 0 {
            return None;
        }
        let bits = bits >> spare;
        bytes.extend((0..group.len() * 6 / 8).rev().map(|byte| (bits >> (8 * byte)) as u8));
    }
    Some(bytes)
}

fn sextet(c: u8) -> Option<u32> {
    let value = match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}
