//! The price books that there are: those of the program, and users' own beside them or in their place.

use std::collections::BTreeMap;

use super::{Book, Error};

/// The texts of the program's books.
const EMBEDDED: &[&str] = &[
    include_str!("../books/aws-lambda.toml"),
    include_str!("../books/aws-lambda-edge.toml"),
    include_str!("../books/azure-functions-consumption.toml"),
    include_str!("../books/azure-functions-flex.toml"),
    include_str!("../books/azure-functions-premium.toml"),
    include_str!("../books/cloudflare-workers-standard.toml"),
    include_str!("../books/ec2.toml"),
    include_str!("../books/fargate.toml"),
    include_str!("../books/gcp-cloud-run-instance.toml"),
    include_str!("../books/gcp-cloud-run-request.toml"),
    include_str!("../books/gcp-functions-gen1.toml"),
    include_str!("../books/vercel-functions-pro.toml"),
];

/// Price books by id.
#[derive(Debug, Clone)]
pub struct Books(BTreeMap<String, Book>);

impl Books {
    /// The books of the program.
    pub fn embedded() -> Result<Self, Error> {
        let mut books = Self(BTreeMap::new());
        for text in EMBEDDED {
            books.add(text)?;
        }
        Ok(books)
    }

    /// Adds a book, in the place of one with the same id.
    pub fn add(&mut self, text: &str) -> Result<&Book, Error> {
        let book = Book::parse(text)?;
        let id = book.id().to_owned();
        self.0.insert(id.clone(), book);
        self.get(&id)
    }

    /// The book with this id.
    pub fn get(&self, id: &str) -> Result<&Book, Error> {
        self.0.get(id).ok_or_else(|| {
            let known = self.0.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            Error::Unknown { id: id.to_owned(), known }
        })
    }

    /// All books, by id.
    pub fn all(&self) -> impl Iterator<Item = &Book> {
        self.0.values()
    }
}
