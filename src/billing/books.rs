//! Reads price books from a user's folder. What a book may say is `cost::rating`'s.

use std::io::Read;
use std::path::Path;

use crate::cost::rating::Books;

use super::Error;

/// Bytes of a price book, at most.
const MAX_BOOK_BYTES: u64 = 64 << 20;

/// The books of the program, and those of a folder beside them or in their place. A wrong one is named with file and line.
pub fn read_books(folder: Option<&Path>) -> Result<Books, Error> {
    let mut books = Books::embedded()?;
    let Some(folder) = folder else { return Ok(books) };
    let unread = |error: std::io::Error| {
        Error::Books(format!("the folder of price books '{}' cannot be read: {error}", folder.display()))
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unread)? {
        let file = entry.map_err(unread)?.path();
        if file.extension().is_some_and(|extension| extension == "toml") {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(Error::Books(format!("the folder '{}' holds no price book (*.toml)", folder.display())));
    }
    files.sort();
    for file in files {
        let named = |error: &dyn std::fmt::Display| Error::Books(format!("'{}': {error}", file.display()));
        let text = text(&file).map_err(|error| named(&error))?;
        books.add(&text).map_err(|error| named(&error))?;
    }
    Ok(books)
}

/// A file's text; what is larger than any book is refused rather than read.
fn text(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let read = std::fs::File::open(file)?.take(MAX_BOOK_BYTES + 1).read_to_string(&mut text)?;
    if read as u64 > MAX_BOOK_BYTES {
        return Err(std::io::Error::other(format!("it has more than {} MiB", MAX_BOOK_BYTES >> 20)));
    }
    Ok(text)
}
